"""Training the tiny model's VAE."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor

from facedance.files import replaced
from facedance.tiny.fast_vae import decode, encode
from facedance.tiny.muon import Muon
from facedance.tiny.pixels import Pixels
from facedance.wan import checkpoint
from facedance.wan.tiny import new_vae

KL_WEIGHT, EDGE_WEIGHT = 1e-4, 0.5
RATE, OTHER_RATE = 0.02, 2e-3  # of Muon and of what it leaves to AdamW
WARMUP, DECAY = 20, 0.3  # steps at the start, share of the steps at the end
CHECKPOINT_EVERY = 100

_log = logging.getLogger("facedance")


def train_vae(pixels: Pixels, *, steps: int, seed: int, state: Path) -> tuple[Any, pd.DataFrame]:
    """The VAE after `steps` steps, and the loss of each; goes on from the last checkpoint in `state`."""
    torch.manual_seed(seed)
    vae = new_vae()
    weights = dict(vae.named_parameters())
    # Convolutions to and from pixels are small and left to AdamW, like all vectors.
    inner = [p for p in weights.values() if p.ndim >= 4 and p.shape[0] > 3]
    optimizer = Muon(inner, [p for p in weights.values() if all(p is not q for q in inner)], RATE, OTHER_RATE)
    done, rows = 0, []
    if (last := checkpoint.newest(state)) is not None:
        checkpoint.unpack(last.tensors, weights, optimizer, {})
        done, rows = last.step, last.facts["rows"]
        _log.info("going on after step %d of %d", done, steps)
    started = time.monotonic()
    for step in range(done + 1, steps + 1):
        rng, noise = np.random.default_rng([seed, step]), torch.Generator().manual_seed(step)
        optimizer.factor = rate_factor(step, steps)
        total = 0.0
        for video in (pixels.clips(step, rng), pixels.stills(rng), *([pixels.pictures(rng)] if step % 4 == 0 else [])):
            loss = batch_loss(vae, video, noise_like(video, vae, noise))
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rows.append({"step": step, "loss": total})
        if step % 20 == 0:
            recent, seconds = np.mean([row["loss"] for row in rows[-20:]]), (time.monotonic() - started) / (step - done)
            _log.info("vae step %d of %d: loss %.4f, %.2f s a step", step, steps, recent, seconds)
        if step % CHECKPOINT_EVERY == 0 or step == steps:
            checkpoint.save(state, checkpoint.Checkpoint(step, checkpoint.pack(weights, optimizer, {}), {"rows": rows}))
    return vae, pd.DataFrame(rows)


def batch_loss(vae: AutoencoderKLWan, video: Tensor, noise: Tensor) -> Tensor:
    """Absolute error of picture and edges of videos (B, 3, T, H, W) decoded from noisy latents, and the latents' divergence."""
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = encode(vae, video)
        mean, log_variance = mean.float(), log_variance.float().clamp(-20, 10)
        decoded = decode(vae, mean + noise * (0.5 * log_variance).exp()).float()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    edges = sum(F.l1_loss(decoded.diff(dim=d), video.diff(dim=d)) for d in (3, 4))
    return F.l1_loss(decoded, video) + EDGE_WEIGHT * edges + KL_WEIGHT * divergence


def noise_like(video: Tensor, vae: Any, random: torch.Generator) -> Tensor:
    """Noise (B, z, T', h, w) for the latents of videos (B, 3, T, H, W)."""
    batch, _, frames, height, width = video.shape
    factor = vae.config.scale_factor_spatial
    shape = (batch, vae.config.z_dim, (frames - 1) // 4 + 1, height // factor, width // factor)
    return torch.randn(shape, generator=random)


def rate_factor(step: int, steps: int) -> float:
    """Linear warmup, constant, then linear to a twentieth."""
    return min(1.0, step / WARMUP, max((steps - step) / (DECAY * steps), 0.05))


@torch.no_grad()
def standardise(vae: Any, pixels: Pixels, batches: int, seed: int) -> None:
    """Write the mean and the standard deviation of the latents into the VAE's configuration."""
    rng = np.random.default_rng([seed, 0])
    parts = []
    for i in range(batches):
        parts += [encode(vae, video)[0].transpose(0, 1).flatten(1) for video in (pixels.clips(i, rng), pixels.stills(rng))]
    values = torch.cat(parts, dim=1)  # (z, N)
    vae.register_to_config(latents_mean=values.mean(1).tolist(), latents_std=values.std(1).tolist())


def save_vae(vae: Any, folder: Path) -> None:
    """Write the VAE in diffusers' layout, in float16."""
    with replaced(folder) as part:
        vae.half().save_pretrained(part, safe_serialization=True)
