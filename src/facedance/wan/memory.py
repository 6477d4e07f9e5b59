"""Rendering on a GPU that is too small for the model as it is: diffusers' own means, from the cheapest to the slowest."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from facedance.config.rendering import RenderMemory
from facedance.job import InputError


def load_for(memory: RenderMemory, transformer: Any, device: torch.device) -> Any:
    """A transformer that lies in main memory, made ready to run on `device`.

    In float8 the blocks' layers are stored in a byte a number and computed with in the transformer's dtype. Offloaded, a block is
    on the device only while it is at work.
    """
    if memory.weights == "offloaded":
        # No stream of its own: that one would not know of LoRAs that are added later.
        transformer.enable_group_offload(onload_device=device, offload_type="block_level", num_blocks_per_group=1)
        return transformer
    if memory.weights == "float8":
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=transformer.dtype)
    return transformer.to(device)


def next_rung(memory: RenderMemory) -> str:
    """What to try when the GPU has no room for rendering with these settings."""
    if not memory.tiled_decoding:
        return "set render.memory.tiled_decoding to true"
    if memory.weights == "resident":
        return "set render.memory.weights to float8, or to offloaded"
    if memory.weights == "float8":
        return "set render.memory.weights to offloaded"
    return "take a smaller model, or fewer frames or smaller ones (models.<model>)"


@contextlib.contextmanager
def out_of_memory_means(advice: str) -> Iterator[None]:
    """Turns torch's exception for a full GPU into a sentence with the advice.

    Raises:
        InputError: the GPU is full.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise InputError(f"the GPU has no room for this: {advice}; `make plan` tells what fits") from None
