"""What the face branch adds to a denoising step of Wan2.1-VACE-1.3B with random weights, in frames of full size.

usage: python benchmarks/face_branch.py [--width 832] [--height 480] [--frames 1] [--rounds 5]

One forward pass each in turn, so that whatever else slows the machine slows all. More frames make attention dearer, the
branch's share smaller. Prints the medians of the rounds' seconds and ratios.
"""

import argparse
import math
from statistics import median

import torch
from random_model import EMBEDDING, MODEL, ROOT, clip_shape, random_inputs, random_transformer
from steps import seconds

from facedance.config import params
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.load import choose_device


@torch.no_grad()
def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in {"width": 832, "height": 480, "frames": 1, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    chosen, device = params.load(ROOT / "params.yaml"), choose_device()
    transformer = random_transformer(MODEL, device)
    branch = attach(transformer, adapter_config(chosen.train, transformer, EMBEDDING), seed=0)
    transformer.disable_adapters()  # the LoRA that comes with it
    wan = chosen.models[MODEL].model_copy(update={"sizes": ((given.width, given.height),)})
    clip = clip_shape(MODEL, wan, given.frames)
    inputs = random_inputs(clip, device)
    face = torch.nn.functional.normalize(torch.randn(1, 1, EMBEDDING), dim=-1)

    def one_pass(scale: float) -> float:
        with branch.condition(face, scale):
            return seconds(lambda: transformer(**inputs))

    scales = {"without": 0.0, "with": 1.0}
    rounds = [{name: one_pass(scale) for name, scale in scales.items()} for _ in range(given.rounds + 1)][1:]
    tokens = math.prod(clip) // 4
    print(f"{MODEL} on {device}, {given.width}x{given.height}, {tokens} tokens")
    for name in scales:
        print(f"{name:8} {median(r[name] for r in rounds):7.2f} s  {median(r[name] / r['without'] for r in rounds):.3f}")


if __name__ == "__main__":
    main()
