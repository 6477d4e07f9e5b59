"""A world of random latents, for trainings of the tiny transformer that have nothing to learn."""

import torch

from facedance.faces.dlib_network import DIMENSION
from lab.tiny.batches import GENERIC, NEGATIVE
from lab.tiny.model import LATENT_CHANNELS, TEXT_DIM
from lab.tiny.recipe import TinyRound, TinyTransformer
from lab.tiny.world_latents import World

SIDE, LONGEST = 16, 17  # latent pixels, latent frames

RECIPE = TinyTransformer(
    rounds=[TinyRound(people=3, estimated=0, steps=4, decay=2), TinyRound(people=4, estimated=0.5, steps=2, decay=1)],
    picture_steps=2, rate=0.02, other_rate=0.002, ema=0.9, head_weight=4.0, face_dropout=0.1, face_tokens=2, face_rank=8,
    mapper_width=32,
)  # fmt: skip

FACE = torch.tensor([[68.0, 36], [63, 36], [52, 36], [57, 36], [60, 44]])  # five landmarks in the middle of the head

INACTIVE = torch.zeros(LATENT_CHANNELS, LONGEST, SIDE, SIDE)


def random_world():
    """Four people, two scenes of one frame for each and two clips."""
    random = torch.Generator().manual_seed(0)

    def latents(count, frames):
        return torch.randn(count, LATENT_CHANNELS, frames, SIDE, SIDE, generator=random).half()

    tensors = {
        "embedding": torch.nn.functional.normalize(torch.randn(4, 2, DIMENSION, generator=random), dim=-1),
        "reference": latents(4, 1),
    }
    for kind, count, frames in (("still", 8, 1), ("clip", 2, LONGEST)):
        head = torch.zeros(count, 1, frames, SIDE, SIDE).half()
        head[..., 3:7, 5:10] = 1
        tensors |= {
            f"{kind}/video": latents(count, frames),
            f"{kind}/control": latents(count, frames),
            f"{kind}/estimated": latents(count, frames),
            f"{kind}/head": head,
            f"{kind}/landmarks": FACE.expand(count, frames, -1, -1),
            f"{kind}/person": torch.arange(count) * 4 // count if kind == "still" else torch.arange(count),
            f"{kind}/prompt": torch.zeros(count, dtype=torch.long),
        }
    return World(tensors, ("somebody",))


def random_prompts():
    """Embeddings of what is said in it."""
    text = torch.zeros(512, TEXT_DIM)
    text[:4] = torch.randn(4, TEXT_DIM, generator=torch.Generator().manual_seed(1))
    return {"somebody": text, GENERIC: text.flip(1), NEGATIVE: -text, "": torch.cat([text[3:4], text[4:], text[4:5]])[:512]}
