"""The most GPU memory that training and rendering hold at once, and the most frames that a card has room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from facedance.params import Train, WanModel
from facedance.plan.activations import decoding_bytes, denoising_bytes, latent_shape, token_count, training_bytes
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
    """Settings that a card has room for, and what they need."""

    frames: int
    checkpointing: bool
    training: Peak
    rendering: Peak

    def fits(self, memory: int) -> bool:
        """Whether both fit."""
        return self.training.fits(memory) and self.rendering.fits(memory)


def _loaded(parts: Parts) -> int:
    return parts.transformer.bytes


def _in_float8(parts: Parts) -> int:
    """One byte for each parameter of the blocks."""
    return parts.transformer.bytes - parts.blocks.bytes + parts.blocks.parameters


def _offloaded(parts: Parts) -> int:
    """Two blocks on the GPU: the one at work and the next."""
    held = 2 / (parts.widths.blocks + parts.widths.hints)
    return parts.transformer.bytes - round((1 - held) * parts.blocks.bytes)


WEIGHTS = MappingProxyType(
    {
        "today": _loaded,
        "not built: blocks in float8": _in_float8,
        "not built: blocks offloaded": _offloaded,
    }
)
"""Bytes of the transformer on the GPU. Only the first exists; the others say what building them would bring."""


def training_peak(parts: Parts, wan: WanModel, train: Train, *, frames: int, checkpointing: bool, weights: str = "today") -> Peak:
    """Training on a clip of `frames` frames with its reference, or the validation clip that is rendered in between.

    Parameters, gradients, AdamW's two moments and the moving average, if one is kept, are float32.
    """
    transformer, numbers = WEIGHTS[weights](parts), parts.adapter.bytes
    average = int(train.ema_decay > 0)
    shape = latent_shape(parts.autoencoder, wan, frames)
    tokens = token_count(shape, parts.widths.patch, reference=True)
    step = Peak(transformer, (4 + average) * numbers, training_bytes(parts.widths, tokens, checkpointing), "training step")
    if not train.validate_every:
        return step
    working, where = _rendering(parts, wan, frames)
    validation = Peak(transformer + parts.vae.bytes, (3 + average) * numbers, working, f"validation, {where}")
    return max(step, validation, key=lambda peak: peak.bytes)


def rendering_peak(parts: Parts, wan: WanModel, *, frames: int, weights: str = "today") -> Peak:
    """Rendering one person on a clip of `frames` frames with its reference; transformer and VAE stay on the GPU throughout."""
    working, where = _rendering(parts, wan, frames)
    return Peak(WEIGHTS[weights](parts) + parts.vae.bytes, parts.adapter.bytes, working, where)


def encoding_peak(parts: Parts) -> Peak:
    """Encoding the prompts; the text encoder has the GPU to itself, and what 512 tokens take is little beside it."""
    return Peak(parts.text_encoder.bytes, 0, 0, "text encoder")


def all_rungs(parts: Parts, wan: WanModel, train: Train, weights: str = "today") -> tuple[Rung, ...]:
    """Every number of frames up to the model's without and with gradient checkpointing, the most wanted first."""
    rungs = []
    for frames in range(wan.frames, FEWEST_FRAMES - 1, -parts.autoencoder.config.scale_factor_temporal):
        rendering = rendering_peak(parts, wan, frames=frames, weights=weights)
        for checkpointing in (False, True):
            training = training_peak(parts, wan, train, frames=frames, checkpointing=checkpointing, weights=weights)
            rungs.append(Rung(frames, checkpointing, training, rendering))
    return tuple(rungs)


def best_rung(rungs: Sequence[Rung], memory: int) -> Rung | None:
    """The first that a card of `memory` bytes has room for, None when there is none."""
    return next((rung for rung in rungs if rung.fits(memory)), None)


def _rendering(parts: Parts, wan: WanModel, frames: int) -> tuple[int, str]:
    tokens = token_count(latent_shape(parts.autoencoder, wan, frames), parts.widths.patch, reference=True)
    stages = {
        "denoising": denoising_bytes(parts.widths, tokens),
        "VAE decoding": decoding_bytes(parts.autoencoder, wan, frames),
    }
    where = max(stages, key=lambda stage: stages[stage])
    return stages[where], where
