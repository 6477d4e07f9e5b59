"""The picture of a person's head as latents: one for each shape of a model, as it goes with videos of that shape."""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from facedance.job import InputError


def reference_name(latents: Tensor) -> str:
    """The name, among a person's photos, of the reference that goes with latents (..., h, w)."""
    return f"reference.{latents.shape[-1]}x{latents.shape[-2]}"


def read_reference(photos: Path, latents: Tensor) -> Tensor:
    """The reference (z, 1, h, w) that goes with latents (..., h, w), from the latents of a person's photos.

    Raises:
        InputError: there is none of this shape.
    """
    name = reference_name(latents)
    with safe_open(photos, framework="pt") as file:
        if name not in file.keys():  # noqa: SIM118
            raise InputError(f"{photos} holds no {name}, so its photos were encoded for other sizes: run the latents stage again")
        reference: Tensor = file.get_tensor(name)
    return reference
