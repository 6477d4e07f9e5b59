"""The last training of the tiny model's decoder: the recogniser is to see the same face after the VAE as before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from facedance.faces.dlib_network import aligned
from facedance.faces.face_loss import FaceLoss
from facedance.wan.flow import box_mask
from lab.tiny.fast_vae import decode, encode
from lab.tiny.landmarks import are_found
from lab.tiny.learning import learn
from lab.tiny.pixels import Pixels
from lab.tiny.recipe import TinyDecoding
from lab.tiny.vae import CHECKPOINT_EVERY, EDGE_WEIGHT, new_optimizer, rate_factor

NOISE = 0.03  # deviation of what is added to the latents, in theirs
HEAD_WEIGHT = 4.0  # of the pixels of the head, all together, against that of the frame
IDENTITY_WEIGHT, MISSED_WEIGHT = 4.0, 0.5
FRAMES = 30  # in a batch


def refine_decoder(
    vae: Any, face_loss: FaceLoss, pixels: Pixels, goes: Sequence[TinyDecoding], *, seed: int, state: Path
) -> pd.DataFrame:
    """Train the decoder of `vae` on whole frames of dances; gives the losses of each step, with the number of its `go`.

    The encoder stays as it is, and so do the latents. It goes on from the last checkpoints in `state`.
    """
    tables = [_go(vae, face_loss, pixels, go, seed=seed + i, state=state / str(i)).assign(go=i) for i, go in enumerate(goes)]
    return pd.concat(tables, ignore_index=True)


def _go(vae: Any, face_loss: FaceLoss, pixels: Pixels, go: TinyDecoding, *, seed: int, state: Path) -> pd.DataFrame:
    vae.requires_grad_(False)
    weights = {name: p for name, p in vae.named_parameters() if name.startswith(("decoder.", "post_quant_conv."))}
    for parameter in weights.values():
        parameter.requires_grad_(True)

    def losses(step: int) -> dict[str, Tensor]:
        video, heads, landmarks = pixels.dances(FRAMES, np.random.default_rng([seed, 3, step]))
        random = torch.Generator().manual_seed(step)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = encode(vae, video)[0].float()
            noise = torch.randn(latents.shape, generator=random) * latents.square().mean().sqrt()
            decoded = decode(vae, latents + NOISE * noise).float()
        known = are_found(landmarks)  # (B, 1)
        drawn, points = video.transpose(1, 2)[known], landmarks[known]
        with torch.no_grad():
            wanted = face_loss.embeddings(aligned(drawn, points))
        identity, missed = face_loss(decoded.transpose(1, 2)[known], points, wanted, random)
        return {
            "picture": picture_error(decoded, video, heads),
            "identity": IDENTITY_WEIGHT * identity,
            "missed": MISSED_WEIGHT * missed,
        }

    return learn(
        "decoder", weights, new_optimizer(weights), losses, steps=go.steps,
        rate_factor=lambda step: go.rate * rate_factor(step, go.steps), checkpoint_every=CHECKPOINT_EVERY, state=state,
    )  # fmt: skip


def picture_error(decoded: Tensor, video: Tensor, heads: Tensor) -> Tensor:
    """Absolute error of pixels and edges of videos (B, 3, T, H, W), of which the heads (B, T, 4) count more."""
    size = (video.shape[3], video.shape[4])
    inside = torch.stack([box_mask(boxes.numpy(), size, (len(boxes), *size)) for boxes in heads])  # (B, 1, T, H, W)
    weight = 1 + HEAD_WEIGHT * inside / inside.mean()
    weight /= weight.mean()
    edges = sum(((decoded.diff(dim=d) - video.diff(dim=d)).abs() * weight.narrow(d, 0, size[d - 3] - 1)).mean() for d in (3, 4))
    return ((decoded - video).abs() * weight).mean() + EDGE_WEIGHT * edges
