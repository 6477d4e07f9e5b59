"""Training the tiny model's VAE."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import WanResidualBlock
from torch import Tensor, nn

from facedance.files import replaced
from lab.tiny.fast_vae import decode, encode
from lab.tiny.learning import learn
from lab.tiny.model import new_vae
from lab.tiny.muon import Muon
from lab.tiny.pixels import Pixels

NOISE = 0.05  # deviation of what is added to the latents, in theirs
EDGE_WEIGHT = 0.5
RATE, OTHER_RATE = 0.02, 2e-3  # of Muon and of what it leaves to AdamW
AGAIN = 0.5  # share of the rates with which the decoder goes on alone
WARMUP, DECAY = 20, 0.75  # steps at the start, share of the steps at the end
CHECKPOINT_EVERY = 100
STATISTICS_BATCHES = 40  # for the mean and the spread of the latents


def train_vae(pixels: Pixels, *, steps: int, decoder_steps: int, seed: int, state: Path) -> tuple[Any, pd.DataFrame]:
    """The VAE after all steps, and the loss of each; goes on from the last checkpoint in `state`.

    In the `decoder_steps`, which come last, the encoder stays as it is: more of them change no latents.
    """
    torch.manual_seed(seed)
    vae = new_vae()
    for block in (module for module in vae.modules() if isinstance(module, WanResidualBlock)):
        torch.nn.init.zeros_(block.conv2.weight)  # it begins without a detour
        torch.nn.init.zeros_(block.conv2.bias)
    weights = dict(vae.named_parameters())
    optimizer = new_optimizer(weights)

    def losses(step: int) -> dict[str, Tensor]:
        rng, noise = np.random.default_rng([seed, step]), torch.Generator().manual_seed(step)
        videos = (pixels.crops(rng), pixels.whole(rng))
        parts = [batch_loss(vae, video, noise, encoder_learns=step <= steps) for video in videos]
        return {"loss": torch.stack(parts).sum()}

    def factor(step: int) -> float:
        return rate_factor(step, steps) if step <= steps else AGAIN * rate_factor(step - steps, decoder_steps)

    table = learn(
        "vae", weights, optimizer, losses, steps=steps + decoder_steps, rate_factor=factor,
        checkpoint_every=CHECKPOINT_EVERY, state=state,
    )  # fmt: skip
    return vae, table


def new_optimizer(weights: Mapping[str, nn.Parameter]) -> Muon:
    """Muon for the convolutions and the norms' scales, which have their shape, AdamW for the biases."""
    inner = [p for p in weights.values() if p.ndim >= 4]
    return Muon(inner, [p for p in weights.values() if p.ndim < 4], RATE, OTHER_RATE)


def batch_loss(vae: AutoencoderKLWan, video: Tensor, random: torch.Generator, *, encoder_learns: bool) -> Tensor:
    """Absolute error of picture and edges of videos (B, 3, T, H, W) after the VAE.

    The latents are decoded with noise of a set share of their own strength. It makes the encoder give strength to what matters,
    which is what the transformer will learn first, and the decoder forgive small errors. A divergence from the normal
    distribution does that too, but silenced a third of the channels.
    """
    with torch.autocast("cpu", torch.bfloat16):
        with torch.set_grad_enabled(encoder_learns):
            latents = encode(vae, video)[0].float()
        noise = torch.randn(latents.shape, generator=random) * latents.square().mean().sqrt()
        decoded = decode(vae, latents + NOISE * noise).float()
    edges = sum(F.l1_loss(decoded.diff(dim=d), video.diff(dim=d)) for d in (3, 4))
    return F.l1_loss(decoded, video) + EDGE_WEIGHT * edges


def rate_factor(step: int, steps: int) -> float:
    """Linear warmup, constant, then linear to a hundredth."""
    return min(1.0, step / WARMUP, max((steps - step) / (DECAY * steps), 0.01))


@torch.no_grad()
def standardise(vae: Any, pixels: Pixels, batches: int, seed: int) -> None:
    """Write the mean and the standard deviation of the latents into the VAE's configuration, and the noise into its posterior.

    The deviation is one for all channels: some carry next to nothing, and scaled up they would only be noise to learn.
    """
    rng = np.random.default_rng([seed, 0])
    parts = []
    for _ in range(batches):
        parts += [encode(vae, video)[0].transpose(0, 1).flatten(1) for video in (pixels.crops(rng), pixels.whole(rng))]
    values = torch.cat(parts, dim=1)  # (z, N)
    spread = values.var(1).mean().sqrt().item()
    vae.register_to_config(latents_mean=values.mean(1).tolist(), latents_std=[spread] * len(values))
    log_variances = slice(vae.config.z_dim, None)  # of the posterior
    vae.quant_conv.weight[log_variances] = 0.0
    vae.quant_conv.bias[log_variances] = 2 * math.log(NOISE * spread)


def save_vae(vae: Any, folder: Path) -> None:
    """Write the VAE in diffusers' layout, in float16."""
    with replaced(folder) as part:
        vae.half().save_pretrained(part, safe_serialization=True)
