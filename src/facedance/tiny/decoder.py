"""The last training of the tiny model's decoder: for faces, as a student of the recogniser sees them."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from facedance.tiny.fast_vae import decode, encode
from facedance.tiny.muon import Muon
from facedance.tiny.pixels import Pixels
from facedance.tiny.student import Student, identity_error
from facedance.tiny.vae import CHECKPOINT_EVERY, EDGE_WEIGHT, OTHER_RATE, RATE, rate_factor
from facedance.wan import checkpoint
from facedance.wan.flow import box_mask

NOISE = 0.03  # deviation of what is added to the latents, in theirs
HEAD_WEIGHT = 4.0  # of the pixels of the head, all together, against that of the frame
IDENTITY_WEIGHT = 4.0
RATE_SHARE = 0.25  # of the rates of the VAE's training
FRAMES = 30  # in a batch

_log = logging.getLogger("facedance")


def refine_decoder(vae: Any, student: Student, pixels: Pixels, *, steps: int, seed: int, state: Path) -> pd.DataFrame:
    """Train the decoder of `vae` on whole frames of dances; gives the losses of each step.

    The encoder stays as it is, and so do the latents. It goes on from the last checkpoint in `state`.
    """
    vae.requires_grad_(False)
    weights = {name: p for name, p in vae.named_parameters() if name.startswith(("decoder.", "post_quant_conv."))}
    for parameter in weights.values():
        parameter.requires_grad_(True)
    inner = [p for p in weights.values() if p.ndim >= 4]
    optimizer = Muon(inner, [p for p in weights.values() if p.ndim < 4], RATE, OTHER_RATE)
    done, rows = 0, []
    if (last := checkpoint.newest(state)) is not None:
        checkpoint.unpack(last.tensors, weights, optimizer, {})
        done, rows = last.step, last.facts["rows"]
        _log.info("going on after step %d of %d", done, steps)
    for step in range(done + 1, steps + 1):
        video, heads = pixels.dances(FRAMES, np.random.default_rng([seed, 3, step]))
        random = torch.Generator().manual_seed(step)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = encode(vae, video)[0].float()
            noise = torch.randn(latents.shape, generator=random) * latents.square().mean().sqrt()
            decoded = decode(vae, latents + NOISE * noise).float()
        picture = picture_error(decoded, video, heads)
        identity = identity_error(student, decoded, video, heads, random)
        optimizer.factor = RATE_SHARE * rate_factor(step, steps)
        optimizer.zero_grad()
        (picture + IDENTITY_WEIGHT * identity).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        rows.append({"step": step, "picture": picture.item(), "identity": identity.item()})
        if step % 20 == 0:
            recent = pd.DataFrame(rows[-20:]).mean()
            _log.info("decoder step %d of %d: %.4f and %.4f of identity", step, steps, recent["picture"], recent["identity"])
        if step % CHECKPOINT_EVERY == 0 or step == steps:
            checkpoint.save(state, checkpoint.Checkpoint(step, checkpoint.pack(weights, optimizer, {}), {"rows": rows}))
    return pd.DataFrame(rows)


def picture_error(decoded: Tensor, video: Tensor, heads: Tensor) -> Tensor:
    """Absolute error of pixels and edges of videos (B, 3, T, H, W), of which the heads (B, T, 4) count more."""
    size = (video.shape[3], video.shape[4])
    inside = torch.stack([box_mask(boxes.numpy(), size, (len(boxes), *size)) for boxes in heads])  # (B, 1, T, H, W)
    weight = 1 + HEAD_WEIGHT * inside / inside.mean()
    weight /= weight.mean()
    edges = sum(((decoded.diff(dim=d) - video.diff(dim=d)).abs() * weight.narrow(d, 0, size[d - 3] - 1)).mean() for d in (3, 4))
    return ((decoded - video).abs() * weight).mean() + EDGE_WEIGHT * edges
