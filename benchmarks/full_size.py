"""Does a Wan2.1-VACE of full size train and denoise here? Random weights in bfloat16, a small clip, on the CPU or the GPU.

usage: python benchmarks/full_size.py [--model wan2.1-vace-1.3b] [--width 128] [--height 128] [--frames 9] [--peak TFLOPS]

It attaches LoRA and face branch as a training does, takes one training step with gradient checkpointing, checks that gradients
reach all of these and nothing else, denoises once, and prints seconds, peak memory, and what was computed in a second: of the
base model, one pass for a denoising step, two for a training step (frozen weights need no gradients, and what checkpointing
computes again does not count). With --peak, the dense bfloat16 speed in the card's data sheet, it says the share of that too.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from random_model import EMBEDDING, MODEL, MODELS, ROOT, clip_shape, random_inputs, random_transformer
from steps import peak_memory, seconds
from torch.utils.flop_counter import FlopCounterMode

from facedance.config import params
from facedance.wan.adapter import adapter_config, attach, trainable
from facedance.wan.architectures import ARCHITECTURES, meta_transformer
from facedance.wan.flow import flow_loss
from facedance.wan.load import choose_device


def main() -> None:
    """Print what was built, and a line for each of the two passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=ARCHITECTURES, default=MODEL)
    for name, size in {"width": 128, "height": 128, "frames": 9}.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--peak", type=float)
    given = parser.parse_args()
    chosen = params.load(ROOT / "params.yaml")
    device = choose_device()
    wan = chosen.models[given.model].model_copy(update={"sizes": ((given.width, given.height),), "frames": given.frames})
    transformer = random_transformer(given.model, device)
    branch = attach(transformer, adapter_config(chosen.train, transformer, EMBEDDING), seed=0)
    learned = trainable(transformer, branch, {"face", "lora"})
    frozen = sum(p.numel() for p in transformer.parameters() if not p.requires_grad)
    print(f"{given.model} on {device}: {frozen:,} frozen parameters, {sum(p.numel() for p in learned.values()):,} trained")

    clip = clip_shape(given.model, wan, wan.frames)
    inputs, target = random_inputs(clip, device), torch.randn(1, 16, *clip, device=device)
    face = torch.nn.functional.normalize(torch.randn(1, 1, EMBEDDING, device=device), dim=-1)

    def velocity() -> torch.Tensor:
        (found,) = transformer(**inputs, return_dict=False)
        return found.float()

    def train() -> None:
        optimizer = torch.optim.AdamW(learned.values(), lr=1e-3)
        flow_loss(velocity(), target, torch.ones(1, 1, *clip, device=device)).backward()
        check_gradients(transformer, branch)
        optimizer.step()

    transformer.enable_gradient_checkpointing()
    work = pass_tflop(given.model, clip)
    print(f"{given.width}x{given.height}, {given.frames} frames, {work:,.1f} TFLOP a pass")
    with branch.condition(face, 1.0):  # also in the backward pass, which runs the blocks again
        measured("training step", train, 2 * work, given.peak)
        with torch.no_grad():
            velocity()  # the GPU's first pass is slower than those that follow
            measured("denoising step", velocity, work, given.peak)


def check_gradients(transformer: Any, branch: Any) -> None:
    """What is trained has one, and nothing else."""
    everything = [*transformer.named_parameters(), *branch.named_parameters()]
    wrong = [name for name, parameter in everything if (parameter.grad is not None) != parameter.requires_grad]
    # LoRA's and the branch's outputs start at zero, so in the first step gradients reach the outputs only.
    still = [
        name
        for name, p in everything
        if p.grad is not None and not p.grad.any() and name.endswith(("lora_B.person.weight", "out_up.weight"))
    ]
    if wrong or still:
        raise SystemExit(f"gradients are wrong in {(wrong + still)[:3]}")


def pass_tflop(name: str, clip: tuple[int, int, int]) -> float:
    """What the base model computes in a forward pass, in 10^12 floating point operations; two for a multiplication and sum."""
    transformer = meta_transformer(MODELS[name], torch.bfloat16)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        transformer(**random_inputs(clip, "meta"))
    return counter.get_total_flops() / 1e12


def measured(name: str, act: Callable[[], Any], work: float, peak: float | None) -> None:
    """Print seconds, peak memory and speed of an act."""
    took = seconds(act)
    share = f", {work / took / peak:.0%} of the card's" if peak else ""
    memory = f"{peak_memory():.1f} GiB of the {'GPU' if torch.cuda.is_available() else 'process'} at most"
    print(f"{name}: {took:.1f} s, {memory}, {work / took:.2f} TFLOP/s{share}")


if __name__ == "__main__":
    main()
