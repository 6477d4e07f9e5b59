"""A world of random latents, for trainings of the tiny transformer that have nothing to learn."""

import torch

from facedance.faces.dlib_network import DIMENSION
from lab.tiny.batches import GENERIC, NEGATIVE
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR, TEXT_DIM
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


def random_mask_world():
    """The same people: clips with anchors, and two scenes of each kind of which a part is given or that shows two."""
    world, random = random_world(), torch.Generator().manual_seed(1)
    frames = 9

    def latents():
        return torch.randn(2, LATENT_CHANNELS, frames, SIDE, SIDE, generator=random).half()

    mask = torch.zeros(2, SPATIAL_FACTOR**2, frames, SIDE, SIDE, dtype=torch.uint8)
    mask[..., 2:8, 4:11] = 1
    tensors = world.tensors | {"clip/anchor": torch.randn(2, LATENT_CHANNELS, 1, SIDE, SIDE, generator=random).half()}
    tensors |= {name.replace("clip/", "size/"): value for name, value in tensors.items() if name.startswith("clip/")}
    for kind in ("region", "close", "duet"):
        given = {"inactive": latents(), "reactive": latents(), "mask": mask} if kind != "duet" else {}
        both = {"control": latents(), "estimated": latents(), "region": _halves(frames)} if kind == "duet" else {}
        pair = (2,) if kind == "duet" else ()
        known = {
            "video": latents(),
            "head": tensors["clip/head"][:, :, :frames],
            "landmarks": FACE.expand(2, *pair, frames, -1, -1),
            "person": torch.tensor([[0, 1], [3, 2]]) if kind == "duet" else torch.tensor([1, 2]),
            "prompt": torch.zeros(2, dtype=torch.long),
        }
        tensors |= {f"{kind}/{name}": value for name, value in (known | given | both).items()}
    return World(tensors, world.prompts)


def _halves(frames):
    """Two dancers' regions: the left and the right half."""
    region = torch.zeros(2, 2, frames, SIDE, SIDE)
    region[:, 0, ..., : SIDE // 2], region[:, 1, ..., SIDE // 2 :] = 1, 1
    return region
