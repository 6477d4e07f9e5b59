"""What a training step on photos computes: operations at full size, and seconds of a few blocks on small photos.

usage: python benchmarks/photo_step.py [--blocks 4] [--side 256] [--steps 3]

Photos of 832x480 and Wan2.1-VACE-1.3B for the operations, which are counted on the meta device. musubi-tuner takes one photo
at a time, computes all blocks again in the backward pass, and counts a prompt with its padding; it trains the model without
VACE blocks (here there is one, that diffusers asks for). Seconds are processor time of one thread. The last line says how long
a step waits for a photo's latents, which nothing reads ahead.
"""

import argparse
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from random_model import EMBEDDING, MODEL, MODELS, ROOT, random_faces
from safetensors.torch import save_file
from steps import fill_randomly
from torch.utils.flop_counter import FlopCounterMode

from facedance.config import params
from facedance.plan.peaks import GIB
from facedance.train.dataset import Source
from facedance.wan.adapter import adapter_config, attach, trainable
from facedance.wan.architectures import meta_transformer
from facedance.wan.flow import flow_loss
from facedance.wan.recompute import compute_again

PHOTO = (1, 60, 104)  # latents of 832x480
WORDS = 65  # a prompt's own tokens and one for its padding
EVERYTHING = 1000.0
PORTRAITS = 36  # of 12 photos, each in three cuts
WAYS = {  # VACE blocks, photos at once, tokens of the prompt, GiB kept
    "musubi-tuner's: one by one, all again": (False, 1, 512, 0.0),
    "the same with the VACE blocks": (True, 1, 512, 0.0),
    "two at once, all again": (True, 2, WORDS, 0.0),
    "two at once, 2 GiB kept": (True, 2, WORDS, 2.0),
    "two at once, nothing again": (True, 2, WORDS, EVERYTHING),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in {"blocks": 4, "side": 256, "steps": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"TFLOP a photo of 832x480 with 30 base blocks; seconds a photo of {given.side}x{given.side} with {given.blocks}")
    small = (1, given.side // 8, given.side // 8)
    share = given.blocks / 30 * math.prod(small) / math.prod(PHOTO)  # of what is kept
    for name, (vace, batch, words, kept) in WAYS.items():
        with FlopCounterMode(display=False) as counter:
            step(*learned(30, vace, kept, "meta"), batch, words, PHOTO)
        model = learned(given.blocks, vace, kept * share, "cpu")
        took = min([seconds(model, batch, words, small) for _ in range(given.steps + 1)][1:])
        print(f"{name:40} {counter.get_total_flops() / batch / 1e12:8.2f} {took / batch:8.3f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(f"to read a photo of 832x480, one of {PORTRAITS} in a file: {1000 * reading(Path(folder)):.2f} ms")


def learned(blocks: int, vace: bool, kept: float, device: str) -> tuple[Any, Any]:
    """A transformer of random weights with so many base blocks, LoRA and face branch."""
    whole = MODELS[MODEL]
    hints = tuple(range(0, blocks, 2)) if vace else (0,)
    cut = replace(whole, transformer={**whole.transformer, "num_layers": blocks, "vace_layers": hints})
    transformer = meta_transformer(cut, torch.bfloat16)
    if device != "meta":
        fill_randomly(transformer, device)
    chosen = params.load(ROOT / "params.yaml")
    with torch.device(device):
        branch = attach(transformer, adapter_config(chosen.train, transformer, EMBEDDING), 0)
    trainable(transformer, branch, {"face", "lora"})
    compute_again(transformer, round(kept * GIB))
    return transformer, branch


def step(transformer: Any, branch: Any, batch: int, words: int, shape: tuple[int, int, int]) -> None:
    """Forward and backward pass of a batch of photos."""
    with torch.device(transformer.device):
        latents, control = (torch.randn(batch, channels, *shape, dtype=torch.bfloat16) for channels in (16, 96))
        text, target, weight = (
            torch.randn(batch, words, 4096, dtype=torch.bfloat16),
            torch.randn(batch, 16, *shape),
            torch.ones(1),
        )
        timestep = torch.full((batch,), 500.0)
    with branch.condition(random_faces(batch)[:, None].to(transformer.device), 1.0):
        (found,) = transformer(latents, timestep, text, control_hidden_states=control, return_dict=False)
        flow_loss(found.float(), target, weight).backward()


def seconds(model: tuple[Any, Any], batch: int, words: int, shape: tuple[int, int, int]) -> float:
    """Processor time of a step."""
    started = time.process_time()
    step(*model, batch, words, shape)
    return time.process_time() - started


def reading(folder: Path) -> float:
    """Seconds until a photo's latents are there, the mean of all in a file that the system has read before."""
    file, boxes = folder / "photos.safetensors", np.zeros((1, 4), np.float32)
    latents = {"video": torch.randn(16, *PHOTO), "control": torch.randn(96, *PHOTO, dtype=torch.bfloat16)}
    save_file({f"{i}.{name}": tensor + i for i in range(PORTRAITS) for name, tensor in latents.items()}, file)
    photos = [Source(str(i), "photo", file, "", boxes, (832, 480), None) for i in range(PORTRAITS)]
    for photo in photos:
        photo.load()
    started = time.perf_counter()
    for photo in photos:
        photo.load()
    return (time.perf_counter() - started) / PORTRAITS


if __name__ == "__main__":
    main()
