"""Faster blocks: compiled ones, and attention by other packages; both are diffusers' own means."""

from typing import Any

import torch

from facedance.config.rendering import RenderSpeed
from facedance.job import InputError

_BACKENDS = {
    "flash": "flash",
    "flash3": "_flash_3",
    "sage": "sage",
    "flash_hub": "flash_hub",
    "flash3_hub": "_flash_3_hub",
    "sage_hub": "sage_hub",
}
"""By their names in params.yaml, diffusers' names; those of the hub are compiled already and fetched by the package `kernels`."""


def quicken(transformer: Any, speed: RenderSpeed) -> None:
    """Make a transformer ready to run in the way that `speed` asks for.

    Blocks of one kind share their compiled code, so that compiling takes as long for many as for one; it happens when they first
    run, and once more whenever what they run on changes (a face or none, a LoRA or none).

    Raises:
        InputError: the package for the attention is not installed, or it does not take the transformer's dtype.
    """
    if speed.attention != "native":
        if transformer.dtype == torch.float32:
            raise InputError(f"render.speed.attention {speed.attention} takes no float32, which this model runs in: use native")
        try:
            transformer.set_attention_backend(_BACKENDS[speed.attention])
        except (RuntimeError, OSError, ValueError) as error:  # diffusers': the package is missing or too old, or the hub away
            raise InputError(f"render.speed.attention {speed.attention} cannot be used here: {error}") from None
    if speed.compiled:
        transformer.compile_repeated_blocks()
