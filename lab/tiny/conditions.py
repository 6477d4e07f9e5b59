"""What VACE is told of a video of which a part is given, laid out as diffusers' WanVACEPipeline lays it out.

Channels are, in this order: the latents of the inactive video (what is given, zero elsewhere), those of the reactive one (the
pose where something is to be made, zero elsewhere), and the mask, 1 where something is to be made, with a channel for each
pixel under a latent pixel.

References are latent frames in front of the video's, whose control is the reference itself, with zeros for the reactive half and
the mask. The pipeline puts each of its `reference_images` before the ones before it, so the last of the list is the first
frame. An anchor, a frame of an earlier window that tells what must not drift, is the last of the list, and so in front of all:
the head on white keeps its place next to the video, where the model has always seen it. As a frame of the video that is given
(mask 0) it would cost a frame, and the model would take the jump from it to the next one for motion.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lab.tiny.model import SPATIAL_FACTOR

Encode = Callable[[Tensor], Tensor]
"""Normalised latents (z, T', h, w) of a video (1, 3, T, H, W) in [-1, 1]."""


def masked_control(encode: Encode, video: Tensor, mask: Tensor) -> Tensor:
    """Control (2 z + mask, T', h, w) of a video (1, 3, T, H, W) that holds what is given and, elsewhere, the pose.

    For a VAE that has a latent frame for each frame. `mask` is (T, H, W), true where something is to be made.
    """
    made = mask.to(video.dtype)[None, None]
    return torch.cat([encode(video * (1 - made)), encode(video * made), mask_channels(mask)])


def mask_channels(mask: Tensor) -> Tensor:
    """The mask's channels (SPATIAL_FACTOR squared, T, h, w) of a mask (T, H, W)."""
    frames, height, width = mask.shape
    cells = mask.float().view(frames, height // SPATIAL_FACTOR, SPATIAL_FACTOR, width // SPATIAL_FACTOR, SPATIAL_FACTOR)
    return cells.permute(2, 4, 0, 1, 3).flatten(0, 1)


def continued(video: Tensor, control: Tensor, idle: Tensor, given: int) -> Tensor:
    """Controls (B, 2 z + mask, T', h, w) of clips whose first `given` frames are given.

    For a VAE in which no frame sees another, so that latents can be taken from latents.

    Args:
        video, control: latents (B, z, T', h, w) of the clips and of their poses.
        idle: latents (z, T', h, w) of a zero video.
    """
    idle = idle.expand_as(video)
    mask = torch.ones(len(video), SPATIAL_FACTOR**2, *video.shape[2:])
    mask[:, :, :given] = 0
    inactive = torch.cat([video[:, :, :given], idle[:, :, given:]], dim=2)
    reactive = torch.cat([idle[:, :, :given], control[:, :, given:]], dim=2)
    return torch.cat([inactive, reactive, mask], dim=1)


def with_references(control: Tensor, references: Sequence[Tensor]) -> Tensor:
    """Controls (B, c, R + T', h, w) with references (B, z, 1, h, w) in front, in the order of `reference_images`."""
    for reference in references:
        missing = control.new_zeros(len(control), control.shape[1] - reference.shape[1], *reference.shape[2:])
        control = torch.cat([torch.cat([reference, missing], dim=1), control], dim=2)
    return control
