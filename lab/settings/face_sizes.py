"""How large a face branch has to be: new ones of several sizes, each trained alone beside the tiny model's transformer.

usage: python -m lab.settings.face_sizes [--steps 300] [--only 8,48,384 ...] lab/results/tiny/latents/*.safetensors
       (after `snakemake models`; `snakemake --snakefile lab/Snakefile lab/results/tiny/latents/0000.safetensors ...`
       draws the people)

They learn from the people in all files but the last, whose people they are judged by: windows around heads, at all noise
levels, the same for every size. Prints, for each number of tokens, rank and mapper width, the parameters, the loss with the
face as a share of that without, and the recogniser's squared distance between the guesses, decoded, and the person.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facedance.faces.face_loss import FaceLoss
from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import flow_loss
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import new_face_branch
from lab.config import load
from lab.tiny.batches import Batch, Kind, batch_rng, draw_batch
from lab.tiny.fast_vae import decode_normalised
from lab.tiny.landmarks import are_found
from lab.tiny.learning import learn
from lab.tiny.recipe import Tiny
from lab.tiny.texts import encode_texts
from lab.tiny.transformer import block_functions, new_optimizer, predicted, step_loss
from lab.tiny.world_latents import World, inactive_latents, read_world

MODEL, FACES = Path("models/tiny"), Path("models/faces/dlib")
CPU = torch.device("cpu")
HEADS = Kind(size=24, clips=False, frames=1, heads=True, reference=False)
JUDGED, JUDGED_SEED = 12, 1  # batches, and their seed, which no training has
WARMUP = 20
SIZES = ("8,48,384", "1,48,384", "2,48,384", "4,48,384", "16,48,384", "8,12,384", "8,96,384", "8,48,96", "8,48,1536")
"""face_tokens, face_rank and mapper_width; the first are the tiny model's."""


class Laboratory:
    """The transformer, which stays as it is, and batches of its world."""

    def __init__(self, tiny: Tiny, learned: World, judged: World) -> None:
        self.recipe, self.learned, self.judged = tiny.transformer, learned, judged
        self.vae, self.transformer = load_vae(MODEL, CPU), load_transformer(MODEL, torch.float32, CPU)
        self.transformer.requires_grad_(False)
        self.prompts = encode_texts(sorted({*learned.prompts, *judged.prompts}), tiny.seed)
        self.inactive = inactive_latents(self.vae, tiny.frames, tiny.side)
        self.blocks = block_functions(compiled=False)
        self.face_loss = FaceLoss(FACES)

    def branch(self, tokens: int, rank: int, width: int) -> FaceBranch:
        """A new one, which changes nothing yet."""
        torch.manual_seed(0)
        faces = self.learned.tensors["embedding"].flatten(0, 1)
        return new_face_branch(self.transformer, faces, tokens=tokens, rank=rank, width=width)

    def train(self, branch: FaceBranch, steps: int) -> None:
        """Let a branch learn from noise."""
        weights = {f"face.{name}": parameter for name, parameter in branch.named_parameters()}

        def losses(step: int) -> Mapping[str, Tensor]:
            batch = self.batch(self.learned, 0, step, self.recipe.face_dropout)
            return {"flow": step_loss(self.transformer, branch, batch, self.blocks)}

        with tempfile.TemporaryDirectory() as state:
            learn(
                "face branch", weights, new_optimizer(weights, self.recipe), losses, steps=steps,
                rate_factor=lambda step: min(1.0, step / WARMUP, 2 * (steps - step) / steps),
                checkpoint_every=steps, state=Path(state),
            )  # fmt: skip

    @torch.no_grad()
    def judge(self, branch: FaceBranch, dropout: float) -> Tensor:
        """The loss and the recogniser's squared distance (2,), means over the judged people's batches."""
        rows = []
        for number in range(JUDGED):
            batch = self.batch(self.judged, JUDGED_SEED, number, dropout)
            velocity = predicted(self.transformer, branch, batch, self.blocks)
            rows.append(torch.stack([flow_loss(velocity, batch.target, batch.weight), self.distance(batch, velocity, number)]))
        return torch.stack(rows).mean(0)

    def distance(self, batch: Batch, velocity: Tensor, number: int) -> Tensor:
        """The recogniser's, of the guesses that such a velocity (B, z, 1, h, w) makes."""
        known = are_found(batch.landmarks)[:, 0]
        guess = decode_normalised(self.vae, batch.denoised(velocity))[:, :, 0]
        return self.face_loss(guess[known], batch.landmarks[known, 0], batch.faces[known], batch_rng(JUDGED_SEED, number))[0]

    def batch(self, world: World, seed: int, number: int, dropout: float) -> Batch:
        """The batch of this number."""
        return draw_batch(
            world, self.prompts, self.inactive, HEADS, people=len(world.tensors["embedding"]), estimated=1.0,
            head_weight=self.recipe.head_weight, dropout=dropout, random=batch_rng(seed, number),
        )  # fmt: skip


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("latents", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", nargs="+", default=SIZES, metavar="TOKENS,RANK,WIDTH")
    given: Any = parser.parse_args()
    *learned, judged = sorted(given.latents)
    laboratory = Laboratory(load(Path("lab/params.yaml")).tiny, read_world(learned), read_world([judged]))
    without, unlike = laboratory.judge(laboratory.branch(1, 1, 16), dropout=1.0).tolist()
    print(f"{given.steps} steps, {torch.get_num_threads()} threads; without a face the distance is {unlike:.3f}", flush=True)
    for size in given.only:
        tokens, rank, width = map(int, size.split(","))
        branch = laboratory.branch(tokens, rank, width)
        started = time.monotonic()
        laboratory.train(branch, given.steps)
        seconds = (time.monotonic() - started) / given.steps
        loss, distance = laboratory.judge(branch, dropout=0.0).tolist()
        count = sum(parameter.numel() for parameter in branch.parameters())
        print(
            f"{tokens:3} tokens, rank {rank:3}, width {width:5} {count / 1e6:6.2f} M   "
            f"{loss / without:.3f} {distance:.3f}   {seconds:.2f} s a step",
            flush=True,
        )


if __name__ == "__main__":
    main()
