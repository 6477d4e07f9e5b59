"""Denoising that starts from a video: its latents are noised to a level, and the steps go from there (SDEdit, Meng et al. 2021).

Diffusers' WanVACEPipeline takes latents, but always begins its steps at the highest level. Its scheduler can begin elsewhere.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facedance.wan.flow import TIMESTEPS, noised


@dataclass(frozen=True)
class Start:
    """What a denoising starts from: latents (z, T', h, w) of a video, at a noise level above 0; 1 is nothing but noise."""

    latents: Tensor
    level: float

    def noised(self, references: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """Latents (1, z, R + T', h, w) at the level, with those of the references (z, 1, h, w), the last one in front."""
        known = torch.cat([*reversed(references), self.latents], dim=1)[None].float()
        return noised(known, torch.randn(known.shape, generator=generator), self.level)


def steps_from(level: float, steps: int) -> int:
    """How many steps it takes from a level, where it takes `steps` from nothing but noise."""
    return max(1, math.ceil(round(steps * level, 6)))


@contextlib.contextmanager
def starting(pipeline: Any, level: float) -> Iterator[None]:
    """Let a WanVACEPipeline that is called inside the block take all of its steps from this level on.

    They are spread as the scheduler spreads them: evenly before its shift.
    """
    scheduler = pipeline.scheduler
    pipeline.scheduler = _Later(scheduler, level)
    try:
        yield
    finally:
        pipeline.scheduler = scheduler


class _Later:
    """Stands in a pipeline for its UniPCMultistepScheduler."""

    def __init__(self, scheduler: Any, level: float) -> None:
        self._scheduler = scheduler
        shift = scheduler.config.flow_shift
        self._first = level / (shift - (shift - 1) * level)  # what `facedance.wan.flow.shifted` makes the level of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)

    def set_timesteps(self, steps: int, device: Any = None) -> None:
        levels = np.linspace(self._first, 1 / TIMESTEPS, steps + 1)[:-1]  # as the scheduler has it, from 1 on
        self._scheduler.set_timesteps(sigmas=levels, device=device)
