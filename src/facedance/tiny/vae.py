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
from diffusers.models.autoencoders.autoencoder_kl_wan import WanResidualBlock
from torch import Tensor

from facedance.files import replaced
from facedance.tiny.fast_vae import decode, encode
from facedance.tiny.muon import Muon
from facedance.tiny.pixels import Pixels
from facedance.wan import checkpoint
from facedance.wan.tiny import new_vae

KL_WEIGHT, EDGE_WEIGHT = 1e-4, 0.5
RATE, OTHER_RATE = 0.02, 2e-3  # of Muon and of what it leaves to AdamW
AGAIN = 0.5  # share of the rate with which the steps without noise begin
WARMUP, DECAY = 20, 0.75  # steps at the start, share of the steps at the end
CHECKPOINT_EVERY = 100

_log = logging.getLogger("facedance")


def train_vae(pixels: Pixels, *, steps: int, exact_steps: int, seed: int, state: Path) -> tuple[Any, pd.DataFrame]:
    """The VAE after all steps, and the loss of each; goes on from the last checkpoint in `state`.

    In the last `exact_steps` latents are decoded without noise, which costs detail and silences channels; before them all
    channels are scaled to a like strength, so that the silent ones can be put to use.
    """
    torch.manual_seed(seed)
    vae = new_vae()
    for block in (module for module in vae.modules() if isinstance(module, WanResidualBlock)):
        torch.nn.init.zeros_(block.conv2.weight)  # it begins without a detour
        torch.nn.init.zeros_(block.conv2.bias)
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
        if step == steps - exact_steps + 1:
            even_out(vae, pixels, batches=10, seed=seed)
        rng, noise = np.random.default_rng([seed, step]), torch.Generator().manual_seed(step)
        noisy, total = step <= steps - exact_steps, 0.0
        optimizer.factor = rate_factor(step, steps - exact_steps) if noisy else AGAIN * (steps + 1 - step) / exact_steps
        for video in (pixels.clips(step, rng), pixels.stills(rng), *([pixels.pictures(rng)] if step % 4 == 0 else [])):
            loss = batch_loss(vae, video, noise_like(video, vae, noise) if noisy else None)
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


def batch_loss(vae: AutoencoderKLWan, video: Tensor, noise: Tensor | None) -> Tensor:
    """Absolute error of picture and edges of videos (B, 3, T, H, W) after the VAE.

    With `noise` it decodes samples of the posterior, whose divergence from a standard normal counts as well; without, its mean.
    """
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = encode(vae, video)
        mean, log_variance = mean.float(), log_variance.float().clamp(-20, 10)
        latents = mean if noise is None else mean + noise * (0.5 * log_variance).exp()
        decoded = decode(vae, latents).float()
    edges = sum(F.l1_loss(decoded.diff(dim=d), video.diff(dim=d)) for d in (3, 4))
    loss = F.l1_loss(decoded, video) + EDGE_WEIGHT * edges
    if noise is None:
        return loss
    return loss + KL_WEIGHT * 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


def noise_like(video: Tensor, vae: Any, random: torch.Generator) -> Tensor:
    """Noise (B, z, T', h, w) for the latents of videos (B, 3, T, H, W)."""
    batch, _, frames, height, width = video.shape
    factor, stride = vae.config.scale_factor_spatial, vae.config.scale_factor_temporal
    shape = (batch, vae.config.z_dim, (frames - 1) // stride + 1, height // factor, width // factor)
    return torch.randn(shape, generator=random)


def rate_factor(step: int, steps: int) -> float:
    """Linear warmup, constant, then linear to a twentieth."""
    return min(1.0, step / WARMUP, max((steps - step) / (DECAY * steps), 0.05))


@torch.no_grad()
def even_out(vae: Any, pixels: Pixels, batches: int, seed: int) -> None:
    """Scale every channel of the latents to a deviation of 1, and undo that in the decoder: pictures stay as they are."""
    deviation = _latents(vae, pixels, batches, seed).std(1)  # (z,)
    mean_rows = slice(vae.config.z_dim)  # the rest are the log variances
    vae.quant_conv.weight[mean_rows] /= deviation.view(-1, 1, 1, 1, 1)
    vae.quant_conv.bias[mean_rows] /= deviation
    vae.post_quant_conv.weight *= deviation.view(1, -1, 1, 1, 1)


@torch.no_grad()
def standardise(vae: Any, pixels: Pixels, batches: int, seed: int) -> None:
    """Write the mean and the standard deviation of the latents into the VAE's configuration.

    The deviation is one for all channels: some carry next to nothing, and scaled up they would only be noise to learn.
    """
    values = _latents(vae, pixels, batches, seed)
    spread = values.var(1).mean().sqrt().item()
    vae.register_to_config(latents_mean=values.mean(1).tolist(), latents_std=[spread] * len(values))


def _latents(vae: Any, pixels: Pixels, batches: int, seed: int) -> Tensor:
    """Means (z, N) of the latents of some pictures."""
    rng = np.random.default_rng([seed, 0])
    parts = []
    for i in range(batches):
        parts += [encode(vae, video)[0].transpose(0, 1).flatten(1) for video in (pixels.clips(i, rng), pixels.stills(rng))]
    return torch.cat(parts, dim=1)


def save_vae(vae: Any, folder: Path) -> None:
    """Write the VAE in diffusers' layout, in float16."""
    with replaced(folder) as part:
        vae.half().save_pretrained(part, safe_serialization=True)
