"""Predicted bytes of activations against the tensors that live in real passes at full width, on the meta device."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from facedance.config.params import load as load_params
from facedance.plan.activations import (
    decoding_bytes,
    denoising_bytes,
    latent_shape,
    tiled_decoding_bytes,
    token_count,
    training_bytes,
)
from facedance.plan.live_tensors import LiveTensors
from facedance.plan.parts import count_parts
from facedance.wan.adapter import adapter_config, attach, trainable
from facedance.wan.architectures import ARCHITECTURES, Architecture, meta_transformer, meta_vae
from facedance.wan.flow import flow_loss
from facedance.wan.recompute import compute_again
from tests.wan.fused_kernels import as_on_gpu

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
TOLERANCE = 0.02
EMBEDDING = 128
CLIP = (22, 60, 104)  # latent frames with a reference, rows and columns of 480x832x81


def short(name: str) -> Architecture:
    """A published architecture with four base blocks, two of them with hints."""
    whole = ARCHITECTURES[name]
    return replace(whole, transformer={**whole.transformer, "num_layers": 4, "vace_layers": (0, 2)})


def counted(
    architecture: Architecture,
    *,
    gradients: bool,
    checkpointing: bool,
    lora: bool = True,
    kept: int = 0,
    clip: tuple[int, int, int] = CLIP,
) -> int:
    """The most bytes that tensors hold in one pass of the transformer with its adapter, and back if with gradients."""
    transformer: Any = meta_transformer(architecture, torch.bfloat16)
    config = adapter_config(PARAMS.train, transformer, EMBEDDING)
    with torch.device("meta"):
        branch = attach(transformer, config, 0)
        latents, control = (torch.empty(1, channels, *clip, dtype=torch.bfloat16) for channels in (16, 96))
        text, timestep = torch.empty(1, 512, 4096, dtype=torch.bfloat16), torch.empty(1)
        target, weight, face = torch.empty(1, 16, *clip), torch.empty(1, 1, *clip), torch.empty(1, 1, EMBEDDING)
    trainable(transformer, branch, {"face", "lora"} if lora else {"face"})
    if not lora:
        transformer.unload_lora()
    if checkpointing:
        compute_again(transformer, kept)
    modules = [*transformer.parameters(), *transformer.buffers(), *branch.parameters(), *branch.buffers()]
    live = LiveTensors([*modules, latents, control, text, timestep, target, weight])
    with torch.set_grad_enabled(gradients), as_on_gpu(), live, branch.condition(face, 1.0):
        (prediction,) = transformer(
            hidden_states=latents,
            timestep=timestep,
            encoder_hidden_states=text,
            control_hidden_states=control,
            return_dict=False,
        )
        if gradients:
            flow_loss(prediction.float(), target, weight).backward()
    return live.peak


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_training(name: str, checkpointing: bool) -> None:
    architecture, wan = short(name), PARAMS.models[name]
    parts = count_parts(architecture, PARAMS.train, torch.bfloat16, EMBEDDING)
    tokens = token_count(latent_shape(parts.autoencoder, wan, wan.frames), parts.widths.patch, references=1)
    predicted = training_bytes(parts.widths, tokens, checkpointing)
    assert predicted == pytest.approx(counted(architecture, gradients=True, checkpointing=checkpointing), rel=TOLERANCE)


@pytest.mark.parametrize(("checkpointing", "kept"), [(False, 0), (True, 0), (True, 2**30)])
def test_training_of_a_face_branch_alone(checkpointing: bool, kept: int) -> None:
    name = "wan2.1-vace-1.3b"
    architecture, wan = short(name), PARAMS.models[name]
    widths = replace(count_parts(architecture, PARAMS.train, torch.bfloat16, EMBEDDING).widths, adapted=())
    tokens = token_count(latent_shape(meta_vae(architecture), wan, wan.frames), widths.patch, references=1)
    found = counted(architecture, gradients=True, checkpointing=checkpointing, lora=False, kept=kept)
    assert training_bytes(widths, tokens, checkpointing, kept) == pytest.approx(found, rel=TOLERANCE)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(("latent_frames", "kept"), [(22, 0.25), (22, 0.8), (2, 0.3), (2, 1.0)])
def test_training_that_keeps_a_part(name: str, latent_frames: int, kept: float) -> None:
    """Of a clip attention in some blocks or all, of a photo with its reference layers in some, or whole blocks."""
    clip = (latent_frames, *CLIP[1:])
    architecture = short(name)
    parts = count_parts(architecture, PARAMS.train, torch.bfloat16, EMBEDDING)
    tokens, memory = latent_frames * 30 * 52, round(kept * 2**30 * parts.widths.dim / 1536)
    predicted = training_bytes(parts.widths, tokens, True, memory)
    assert predicted == pytest.approx(
        counted(architecture, gradients=True, checkpointing=True, kept=memory, clip=clip), rel=TOLERANCE
    )
    assert predicted > training_bytes(parts.widths, tokens, True)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_denoising(name: str) -> None:
    architecture, wan = short(name), PARAMS.models[name]
    parts = count_parts(architecture, PARAMS.train, torch.bfloat16, EMBEDDING)
    tokens = token_count(latent_shape(parts.autoencoder, wan, wan.frames), parts.widths.patch, references=1)
    predicted = denoising_bytes(parts.widths, tokens)
    assert predicted == pytest.approx(counted(architecture, gradients=False, checkpointing=False), rel=TOLERANCE)


@torch.no_grad()
def test_decoding() -> None:
    wan = PARAMS.models["wan2.1-vace-1.3b"]
    vae = meta_vae(ARCHITECTURES["wan2.1-vace-1.3b"])
    live = LiveTensors(vae.parameters())
    with live:
        video = vae.decode(torch.empty(1, 16, 3, 60, 104, device="meta"), return_dict=False)[0]
    assert video.shape == (1, 3, 9, 480, 832)
    assert decoding_bytes(vae, wan, frames=9) == pytest.approx(live.peak, rel=TOLERANCE)


@torch.no_grad()
def test_tiled_decoding() -> None:
    wan = PARAMS.models["wan2.1-vace-1.3b"]
    vae = meta_vae(ARCHITECTURES["wan2.1-vace-1.3b"])
    vae.enable_tiling()
    live = LiveTensors(vae.parameters())
    with live:
        video = vae.decode(torch.empty(1, 16, 3, 60, 104, device="meta"), return_dict=False)[0]
    assert video.shape == (1, 3, 9, 480, 832)
    assert tiled_decoding_bytes(vae, wan, frames=9) == pytest.approx(live.peak, rel=TOLERANCE)
