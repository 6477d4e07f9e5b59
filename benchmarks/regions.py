"""What two people in regions add to a denoising step of Wan2.1-VACE-1.3B's blocks with random weights, against one person.

usage: python benchmarks/regions.py [--width 832] [--height 480] [--frames 5] [--blocks 2] [--rounds 5]

One person has a face in the whole picture and a LoRA in the weights, as rendering has it; two have their faces and LoRAs, which
stay apart, in the regions of two dancers who are two thirds as high as the picture. One pass each in turn, so that whatever else
slows the machine slows both. Fewer frames than the model's make attention cheaper, the share of regions larger. Prints the
medians of the rounds' seconds and ratios.
"""

import argparse
import copy
import math
from statistics import median

import numpy as np
import torch
from random_model import EMBEDDING, MODEL, ROOT, clip_shape, random_adapter, random_faces, random_inputs
from steps import fill_randomly, seconds

from facedance.config import params
from facedance.poses.skeleton import OPENPOSE
from facedance.regions.shares import reaches, shares
from facedance.regions.tokens import region
from facedance.wan.adapter import apply_adapters, apply_cast
from facedance.wan.architectures import ARCHITECTURES, Architecture, meta_transformer
from facedance.wan.differences import fuse_loras
from facedance.wan.face_branch import PlacedFace
from facedance.wan.load import choose_device
from facedance.wan.region_lora import acting_in

HEIGHT = 2 / 3  # of a dancer, as a share of the picture
_BODY = {  # right half of somebody who stands with arms and legs apart: across and down, in heights
    "nose": (0, 0.07), "neck": (0, 0.17), "eye": (0.02, 0.05), "ear": (0.04, 0.06), "shoulder": (0.1, 0.18), "elbow": (0.2, 0.3),
    "wrist": (0.3, 0.4), "hip": (0.06, 0.5), "knee": (0.1, 0.73), "ankle": (0.14, 0.96),
}  # fmt: skip


def dancer(x: float, width: int, height: int, frames: int) -> np.ndarray:
    """Joints (T, 18, 2) of somebody whose middle is at a share `x` of the width."""
    size = HEIGHT * height
    parts = [name.split("_") for name in OPENPOSE]
    across = [(-1 if part[0] == "left" else 1) * _BODY[part[-1]][0] for part in parts]
    down = [_BODY[part[-1]][1] for part in parts]
    joints = np.stack([x * width + size * np.array(across), (height - size) / 2 + size * np.array(down)], -1)
    return np.tile(joints, (frames, 1, 1))


@torch.no_grad()
def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in {"width": 832, "height": 480, "frames": 5, "blocks": 2, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    chosen, device = params.load(ROOT / "params.yaml", {"model": MODEL}), choose_device()
    few = {"num_layers": given.blocks, "vace_layers": tuple(range(0, given.blocks, 2))}
    architecture = Architecture({**ARCHITECTURES[MODEL].transformer, **few}, {}, {})
    alone = meta_transformer(architecture, torch.bfloat16 if device.type == "cuda" else torch.float32)
    fill_randomly(alone, device)
    together, adapter = copy.deepcopy(alone), random_adapter(alone, chosen.train)
    clip = clip_shape(MODEL, chosen.wan.model_copy(update={"sizes": ((given.width, given.height),)}), given.frames)
    inputs = {name: tensor.to(alone.dtype) for name, tensor in random_inputs(clip, device).items()}
    face, other = random_faces(2)[:, None, None]

    branch = apply_adapters(alone, {"ann": (adapter, 1.0)}, 1.0)
    fuse_loras(alone, for_good=True)
    own = apply_cast(together, {number: {"ann": (adapter, 1.0)} for number in (1, 2)}, 1.0)
    joints = np.stack([dancer(x, given.width, given.height, given.frames) for x in (0.3, 0.7)])
    parts = shares(joints, reaches(joints), (given.width, given.height), clip)
    regions = {number: region(part, alone.config.patch_size, device) for number, part in enumerate(parts, 1)}
    placed = [PlacedFace(own[number], one, regions[number]) for number, one in ((1, face), (2, other))]

    def one_pass(way: str) -> float:
        if way == "one person":
            with branch.condition(face, 1.0):
                return seconds(lambda: alone(**inputs))
        with own[1].condition(placed, 1.0), acting_in(together, regions):
            return seconds(lambda: together(**inputs))

    ways = ("one person", "two people")
    rounds = [{way: one_pass(way) for way in ways} for _ in range(given.rounds + 1)][1:]
    tokens = math.prod(clip) // 4
    within = sum(len(found.token) for found in regions.values() if found) / tokens
    print(
        f"{given.blocks} blocks of {MODEL} on {device}, {tokens} tokens, {within:.0%} of them in a region, faces of {EMBEDDING}"
    )
    for way in ways:
        print(f"{way:12} {median(r[way] for r in rounds):7.2f} s  {median(r[way] / r[ways[0]] for r in rounds):.3f}")


if __name__ == "__main__":
    main()
