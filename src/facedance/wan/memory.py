"""Rendering on a GPU that is too small for the model as it is: diffusers' own means, from the cheapest to the slowest."""

from typing import Any

import torch
from diffusers.hooks import HookRegistry

from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.wan.face_branch import FaceBranch


def load_for(memory: RenderMemory, transformer: Any, device: torch.device) -> Any:
    """A transformer that lies in main memory, made ready to run on `device`.

    In float8 the blocks' layers are stored in a byte a number and computed with in the transformer's dtype. What is to be
    offloaded stays where it is until `offload`.
    """
    if memory.weights == "offloaded":
        return transformer
    if memory.weights == "float8":
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=transformer.dtype)
    return transformer.to(device)


def offload(transformer: Any, branch: FaceBranch | None, device: torch.device, *, streamed: bool) -> None:
    """Let each block of a transformer in main memory be on `device` only while it is at work, or by a stream one block longer.

    LoRAs have to be in already: what comes by a stream is copied here, once, into memory that the device reads by itself. The
    face branch, which is small, stays on the device.
    """
    if branch is not None:
        branch.to(device)
    transformer.enable_group_offload(
        onload_device=device,
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=streamed,
        record_stream=streamed,
    )


def stay(transformer: Any) -> None:
    """Take back `offload`: the whole transformer is in main memory, as any other module."""
    registry = HookRegistry.check_if_exists_or_initialize(transformer)
    for hook in ("layer_execution_tracker", "lazy_prefetch_group_offloading", "group_offloading"):  # diffusers' names
        registry.remove_hook(hook, recurse=True)
    transformer.to("cpu")


def next_rung(memory: RenderMemory, speed: RenderSpeed) -> str:
    """What to try when the GPU has no room for rendering with these settings."""
    if speed.batched_guidance:
        return "set render.speed.batched_guidance to false"
    if not memory.tiled_decoding:
        return "set render.memory.tiled_decoding to true"
    if memory.weights == "resident":
        return "set render.memory.weights to float8, or to offloaded"
    if memory.weights == "float8":
        return "set render.memory.weights to offloaded"
    return "take a smaller model, or fewer frames or smaller ones (models.<model>)"
