"""What each setting of the tiny transformer's training does: from nothing, on pictures alone, one setting changed.

usage: python -m lab.settings.tiny_settings [--steps 150] [--only SETTING ...] lab/results/tiny/latents/*.safetensors
       (after `snakemake models`; `snakemake --snakefile lab/Snakefile lab/results/tiny/latents/0000.safetensors ...`
       draws the people)

It learns from the people in all files but the last, whose people it is judged by, with the same weights of the loss for every
setting. Prints the loss on windows around heads and on whole pictures.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facedance.wan.load import load_vae
from lab.config import load
from lab.tiny.batches import HEADS, STILLS, batch_rng, draw_batch
from lab.tiny.recipe import Tiny, TinyRound, TinyTransformer
from lab.tiny.texts import encode_texts
from lab.tiny.transformer import block_functions, step_loss, train_transformer
from lab.tiny.world_latents import World, inactive_latents, read_world

MODEL = Path("models/tiny")
JUDGED, JUDGED_SEED = 8, 1  # batches of each kind, and their seed, which no training has
DECAY = 0.4  # of the steps, as in the shipped rounds
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "as in params.yaml": {},
    **{f"rate {rate:g}": {"rate": rate} for rate in (0.005, 0.01, 0.04)},
    **{f"other_rate {rate:g}": {"other_rate": rate} for rate in (0.0005, 0.008)},
    **{f"head_weight {weight}": {"head_weight": weight} for weight in (0, 16)},
    **{f"face_dropout {share}": {"face_dropout": share} for share in (0, 0.5)},
}
"""By name, what differs from tiny.transformer."""


def main() -> None:
    """Print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("latents", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, metavar="SETTING")
    given = parser.parse_args()
    *learned, judged = sorted(given.latents)
    tiny = load(Path("lab/params.yaml")).tiny
    worlds = read_world(learned), read_world([judged])
    prompts = encode_texts(sorted({*worlds[0].prompts, *worlds[1].prompts}), tiny.seed)
    inactive = inactive_latents(load_vae(MODEL, torch.device("cpu")), tiny.frames, tiny.side)
    for name in given.only or SETTINGS:
        losses = learn(tiny, SETTINGS[name], worlds, prompts, inactive, given.steps)
        print(f"{name:20} heads {losses[0]:.4f}, whole pictures {losses[1]:.4f}", flush=True)


def learn(
    tiny: Tiny,
    changes: Mapping[str, Any],
    worlds: tuple[World, World],
    prompts: Mapping[str, Tensor],
    inactive: Tensor,
    steps: int,
) -> list[float]:
    """The losses on heads and on whole pictures after a training."""
    world, judged = worlds
    people = len(world.tensors["embedding"])
    only = TinyRound(people=people, estimated=tiny.transformer.rounds[-1].estimated, steps=steps, decay=round(DECAY * steps))
    recipe = TinyTransformer(**{**tiny.transformer.model_dump(), **changes, "rounds": [only], "picture_steps": steps})
    with tempfile.TemporaryDirectory() as state:
        model, branch, _ = train_transformer(
            world, prompts, inactive, recipe, seed=tiny.seed, state=Path(state), compiled=tiny.compiled
        )
    blocks, losses = block_functions(compiled=False), []
    for kind in (HEADS, STILLS):
        batches = (
            draw_batch(
                judged, prompts, inactive, kind, people=len(judged.tensors["embedding"]), estimated=1.0,
                head_weight=tiny.transformer.head_weight, dropout=0.0, random=batch_rng(JUDGED_SEED, number),
            )
            for number in range(JUDGED)
        )  # fmt: skip
        with torch.no_grad():
            losses.append(sum(step_loss(model, branch, batch, blocks).item() for batch in batches) / JUDGED)
    return losses


if __name__ == "__main__":
    main()
