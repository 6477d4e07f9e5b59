"""The most GPU memory that training and rendering hold at once, and the most frames that a card has room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from facedance.config.rendering import RenderMemory
from facedance.config.sections import Train, WanModel
from facedance.plan.activations import (
    decoding_bytes,
    denoising_bytes,
    latent_shape,
    tiled_decoding_bytes,
    token_count,
    training_bytes,
)
from facedance.plan.parts import Parts

GIB = 2**30
CARDS = (12, 16, 24, 48, 80)
"""Memory of common cards in GiB."""

CONTEXT = 1 * GIB
"""Assumed for CUDA itself, its libraries' workspaces and kernels."""

WASTE = 1.1
"""Assumed for what the allocator cannot use."""

FEWEST_FRAMES = 5
"""That params.yaml allows."""


@dataclass(frozen=True)
class Peak:
    """Bytes at the worst moment: what stays on the GPU, and what comes and goes."""

    weights: int
    adapter: int  # LoRA and face branch, with gradients, moments and moving average while training
    working: int
    where: str  # what takes the working memory

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weights + self.adapter + self.working

    def fits(self, memory: int) -> bool:
        """Whether a card of `memory` bytes has room for it, with CONTEXT and WASTE."""
        return self.bytes * WASTE + CONTEXT <= memory


@dataclass(frozen=True)
class Rung:
    """Settings that a card may have room for, and what they need."""

    frames: int
    settings: str
    peak: Peak


MEMORY_LADDER = (
    RenderMemory(weights="resident", tiled_decoding=False),
    RenderMemory(weights="resident", tiled_decoding=True),
    RenderMemory(weights="float8", tiled_decoding=True),
    RenderMemory(weights="offloaded", tiled_decoding=True),
)
"""`render.memory` from the fastest to the one that needs least."""


def transformer_bytes(parts: Parts, weights: str) -> int:
    """Of the transformer on the GPU: all, blocks of a byte a number, or two blocks (one at work and one as reserve) of all."""
    if weights == "float8":
        return parts.transformer.bytes - parts.blocks.bytes + parts.blocks.parameters
    if weights == "offloaded":
        held = 2 / (parts.widths.blocks + parts.widths.hints)
        return parts.transformer.bytes - round((1 - held) * parts.blocks.bytes)
    return parts.transformer.bytes


def training_peak(parts: Parts, wan: WanModel, train: Train, *, frames: int, checkpointing: bool) -> Peak:
    """Training on a clip of `frames` frames or on the photos of a batch, or the validation clip that is rendered in between.

    Clips and photos have their reference. Where photos alone are learned from, clips do not count. A validation clip is decoded
    in tiles. Parameters, gradients, AdamW's two moments and the moving average, if one is kept, are float32.
    """
    weights, numbers = parts.transformer.bytes + parts.identity.weights, parts.adapter.bytes
    average = int(train.ema_decay > 0)

    def step(length: int, items: int) -> int:
        tokens = items * token_count(latent_shape(parts.autoencoder, wan, length), parts.widths.patch, references=1)
        return training_bytes(parts.widths, tokens, checkpointing, round(train.kept_memory * GIB), items)

    decoded = 1 if checkpointing else train.batch_size  # photos whose decoding is held for its gradient
    steps = {"training step, photos": step(1, train.batch_size) + decoded * parts.identity.photo}
    if train.learns_clips:
        steps["training step"] = step(frames, 1)
    peaks = [Peak(weights, (4 + average) * numbers, working, where) for where, working in steps.items()]
    if train.validate_every:
        working, where = _rendering(parts, wan, frames, tiled=True)
        peaks.append(Peak(weights + parts.vae.bytes, (3 + average) * numbers, working, f"validation, {where}"))
    return max(peaks, key=lambda peak: peak.bytes)


def branch_peak(parts: Parts, window: WanModel, train: Train) -> Peak:
    """Training a face branch by `train`, which is `facedance.face_branch.learning.training_of`, on windows of a model's size.

    A step takes all portraits of a batch, which have one frame and no reference. `parts` have this branch's sizes, and in
    `identity` what the recogniser's loss takes for one window.
    """
    shape = latent_shape(parts.autoencoder, window, 1)
    tokens = train.batch_size * token_count(shape, parts.widths.patch, references=0)
    decoded = 1 if train.gradient_checkpointing else train.batch_size
    widths, kept = replace(parts.widths, adapted=()), round(train.kept_memory * GIB)
    working = training_bytes(widths, tokens, train.gradient_checkpointing, kept, train.batch_size)
    weights = parts.transformer.bytes + parts.identity.weights
    return Peak(weights, 4 * parts.face.bytes, working + decoded * parts.identity.photo, "training step, portraits")


def rendering_peak(
    parts: Parts, wan: WanModel, memory: RenderMemory, *, frames: int, references: int = 1, passes: int = 1
) -> Peak:
    """Rendering one person on a clip of `frames` frames; the VAE stays on the GPU throughout.

    `references` are the head's picture and a long video's first frame, `passes` those of guidance that are computed at once.
    """
    working, where = _rendering(parts, wan, frames, memory.tiled_decoding, references, passes)
    return Peak(transformer_bytes(parts, memory.weights) + parts.vae.bytes, parts.adapter.bytes, working, where)


def encoding_peak(parts: Parts) -> Peak:
    """Encoding the prompts; the text encoder has the GPU to itself, and what 512 tokens take is little beside it."""
    return Peak(parts.text_encoder.bytes, 0, 0, "text encoder")


def training_rungs(parts: Parts, wan: WanModel, train: Train) -> tuple[Rung, ...]:
    """Every number of frames up to the model's without and with gradient checkpointing, the most wanted first."""
    return tuple(
        Rung(
            frames, "on" if checkpointing else "off", training_peak(parts, wan, train, frames=frames, checkpointing=checkpointing)
        )
        for frames in _frames(parts, wan)
        for checkpointing in (False, True)
    )


def rendering_rungs(
    parts: Parts, wan: WanModel, ladder: Sequence[RenderMemory] = MEMORY_LADDER, references: int = 1, passes: int = 1
) -> tuple[Rung, ...]:
    """Every number of frames up to the model's with each of these settings, the most wanted first."""
    return tuple(
        Rung(
            frames,
            memory_name(memory),
            rendering_peak(parts, wan, memory, frames=frames, references=references, passes=passes),
        )
        for frames in _frames(parts, wan)
        for memory in ladder
    )


def memory_name(memory: RenderMemory) -> str:
    """The settings in words."""
    return memory.weights + (", tiled" if memory.tiled_decoding else "")


def _frames(parts: Parts, wan: WanModel) -> range:
    return range(wan.frames, FEWEST_FRAMES - 1, -parts.autoencoder.config.scale_factor_temporal)


def best_rung(rungs: Sequence[Rung], memory: int) -> Rung | None:
    """The first that a card of `memory` bytes has room for, None when there is none."""
    return next((rung for rung in rungs if rung.peak.fits(memory)), None)


def _rendering(parts: Parts, wan: WanModel, frames: int, tiled: bool, references: int = 1, passes: int = 1) -> tuple[int, str]:
    tokens = passes * token_count(latent_shape(parts.autoencoder, wan, frames), parts.widths.patch, references)
    stages = {
        "denoising": denoising_bytes(parts.widths, tokens),
        "VAE decoding": (tiled_decoding_bytes if tiled else decoding_bytes)(parts.autoencoder, wan, frames),
    }
    where = max(stages, key=lambda stage: stages[stage])
    return stages[where], where
