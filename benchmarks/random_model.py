"""What benchmarks of published models share: random weights, the shape of clips, and how another program is asked."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from steps import fill_randomly

from facedance.config.sections import WanModel
from facedance.plan.activations import latent_shape
from facedance.wan.architectures import ARCHITECTURES, meta_transformer, meta_vae

ROOT = Path(__file__).parents[1]
MODEL = "wan2.1-vace-1.3b"
EMBEDDING = 512


def random_transformer(name: str, device: torch.device) -> Any:
    """The transformer of a published model, frozen, in bfloat16."""
    transformer = meta_transformer(ARCHITECTURES[name], torch.bfloat16)
    fill_randomly(transformer, device)
    return transformer


def clip_shape(name: str, wan: WanModel, frames: int) -> tuple[int, int, int]:
    """T', h, w of the latents of a clip of so many frames at a model's size."""
    shape = latent_shape(meta_vae(ARCHITECTURES[name]), wan, frames)
    return shape.frames, shape.height, shape.width


def random_inputs(clip: tuple[int, int, int], device: torch.device | str) -> dict[str, Any]:
    """What a forward pass takes for one clip (T', h, w), in bfloat16."""
    return {
        "hidden_states": torch.randn(1, 16, *clip, device=device, dtype=torch.bfloat16),
        "timestep": torch.full((1,), 500.0, device=device),
        "encoder_hidden_states": torch.randn(1, 512, 4096, device=device, dtype=torch.bfloat16),
        "control_hidden_states": torch.randn(1, 96, *clip, device=device, dtype=torch.bfloat16),
    }


def ask(python: Path, script: str, arguments: Iterable[str]) -> tuple[float, ...]:
    """The numbers that a benchmark, run with another environment's Python, says last."""
    command = [str(python), str(Path(__file__).with_name(script)), *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    return tuple(map(float, said.split()))
