"""Bytes that the recogniser's loss on photos (`train.identity_weight`) adds to a training."""

import copy
from dataclasses import dataclass
from typing import Any

import torch

from facedance.config.sections import WanModel
from facedance.plan.live_tensors import LiveTensors
from facedance.train.identity_loss import for_single_frames


@dataclass(frozen=True)
class IdentityMemory:
    """What the loss takes of a GPU."""

    weights: int  # of the VAE and the recogniser, which stay there
    photo: int  # for each photo that is decoded, until its gradient


NO_IDENTITY = IdentityMemory(0, 0)

RECOGNISERS = {
    "dlib": NO_IDENTITY,  # computes on the CPU
    "insightface": IdentityMemory(174_312_704, 41_646_088),
}
"""By `faces.backend`: of iresnet50 (buffalo_l's), and of one face in it. `tests/plan/test_identity.py` counts them."""


def identity_memory(vae: Any, wan: WanModel, backend: str) -> IdentityMemory:
    """For a VAE on the meta device: counted in a real decoding of one frame and its gradient there.

    Attention keeps its whole matrix of scores there, which a GPU's kernels do not: about a thirtieth of what a photo takes.
    """
    single = for_single_frames(copy.deepcopy(vae)).requires_grad_(False)
    held = [*single.parameters(), *single.buffers()]
    spatial = single.config.scale_factor_spatial
    width, height = wan.largest
    size = (height // spatial, width // spatial)
    latents = torch.empty(1, single.config.z_dim, 1, *size, device="meta", requires_grad=True)
    live = LiveTensors([*held, latents])
    with live:
        single.decode(latents).sample.sum().backward()
    recogniser = RECOGNISERS[backend]
    return IdentityMemory(sum(t.numel() * t.element_size() for t in held) + recogniser.weights, live.peak + recogniser.photo)
