"""Rectified flow matching as Wan2.1 was trained with it, and the weights of its loss.

Latents x0 and noise are joined by a straight line, x = (1 - sigma) x0 + sigma noise, along which the model predicts the
velocity noise - x0 at timestep 1000 sigma (Liu et al. 2022; Lipman et al. 2022).
"""

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TIMESTEPS = 1000

_Number = TypeVar("_Number", float, Tensor)


def shifted(u: _Number, shift: float) -> _Number:
    """Noise level in [0, 1] for a uniform `u`: a shift above 1 spends more time at high noise (Esser et al. 2024)."""
    return shift * u / (1 + (shift - 1) * u)


def noised(latents: Tensor, noise: Tensor, sigma: float | Tensor) -> Tensor:
    """The point at noise level `sigma`, which may be broadcast, between latents and noise of one shape."""
    return (1 - sigma) * latents + sigma * noise


def velocity(latents: Tensor, noise: Tensor) -> Tensor:
    """What the model is to predict at every noise level."""
    return noise - latents


def flow_loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of squared errors, a scalar.

    Args:
        prediction, target: (B, z, T', h, w).
        weight: broadcast over them, not all zero; its scale has no influence.
    """
    weight = weight.expand_as(prediction)
    return (weight * (prediction - target) ** 2).sum() / weight.sum()


def box_mask(boxes: NDArray[np.floating], frame_size: tuple[int, int], shape: tuple[int, int, int]) -> Tensor:
    """How much of each latent pixel lies inside a box: (1, T', h, w), 0 to 1 over its edges.

    Args:
        boxes: (T, 4) x0, y0, x1, y1 in pixels of the frame, NaN where there is none.
        frame_size: width and height of the frame in pixels.
        shape: T', h, w of the latents. Latent frame 0 covers frame 0, each later one the next (T - 1) / (T' - 1) frames;
            its box is the smallest around theirs.
    """
    frames, height, width = shape
    stride = (len(boxes) - 1) // max(frames - 1, 1)
    if len(boxes) != 1 + stride * (frames - 1):
        raise ValueError(
            f"{len(boxes)} boxes do not divide into {frames} latent frames; allowed is one and a multiple of the rest"
        )
    scale = np.tile([width / frame_size[0], height / frame_size[1]], 2)
    mask = torch.zeros(1, frames, height, width)
    for i in range(frames):
        group = boxes[:1] if i == 0 else boxes[1 + stride * (i - 1) : 1 + stride * i]
        known = group[~np.isnan(group).any(axis=1)]
        if len(known):
            x0, y0 = known[:, :2].min(axis=0) * scale[:2]
            x1, y1 = known[:, 2:].max(axis=0) * scale[2:]
            mask[0, i] = _coverage(y0, y1, height)[:, None] * _coverage(x0, x1, width)
    return mask


def _coverage(start: float, end: float, length: int) -> Tensor:
    centers = torch.arange(length) + 0.5
    return (torch.minimum(centers - start, end - centers) + 0.5).clamp(0, 1)
