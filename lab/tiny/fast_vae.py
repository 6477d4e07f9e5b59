"""The tiny model's AutoencoderKLWan over all frames at once, for training it.

Diffusers runs a VAE frame by frame with a cache of features for the next ones. This one looks at each frame alone, so frames are
folded into the batch and of each 3-D convolution only the last third counts. The weights are the module's own, and so are the
results, within rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from torch import Tensor, nn

from facedance.wan.load import latent_statistics


def encode(vae: AutoencoderKLWan, video: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (B, z, T, h, w) of the latents of videos (B, 3, T, H, W) in [-1, 1]."""
    net: Any = vae.encoder
    x = _middle(net.mid_block, _convolve(net.conv_in, _fold(patchify(video, vae.config.patch_size))))
    x = _convolve(vae.quant_conv, _convolve(net.conv_out, F.silu(_norm(net.norm_out, x))))
    mean, log_variance = _unfold(x, len(video)).chunk(2, dim=1)
    return mean, log_variance


def decode(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Videos (B, 3, T, H, W), not clamped, of latents (B, z, T, h, w) as `encode` gives them."""
    net: Any = vae.decoder
    x = _middle(net.mid_block, _convolve(net.conv_in, _convolve(vae.post_quant_conv, _fold(latents))))
    for block in net.up_blocks:
        for residual in block.resnets:
            x = _residual(residual, x)
    out = _convolve(net.conv_out, F.silu(_norm(net.norm_out, x)))
    return unpatchify(_unfold(out, len(latents)), vae.config.patch_size)


def from_bytes(pixels: Tensor) -> Tensor:
    """Pixels from 0 to 255, of any shape, in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_bytes(pixels: Tensor) -> Tensor:
    """Pixels in [-1, 1], of any shape, as uint8."""
    return ((pixels + 1) * 127.5).round().byte()


def encode_normalised(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """Latents (B, z, T, h, w) of videos (B, 3, T, H, W) in [-1, 1] as the transformer takes them."""
    shift, scale = latent_statistics(vae)
    with torch.autocast("cpu", torch.bfloat16):
        mean, _ = encode(vae, video)
    return (mean.float() - shift) / scale


def decode_normalised(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Videos (B, 3, T, H, W), not clamped, of latents as `encode_normalised` gives them."""
    shift, scale = latent_statistics(vae)
    with torch.autocast("cpu", torch.bfloat16):
        return decode(vae, latents * scale + shift).float()


def _fold(video: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B T, C, H, W)."""
    return video.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _unfold(x: Tensor, videos: int) -> Tensor:
    """(B T, C, H, W) to (B, C, T, H, W)."""
    return x.unflatten(0, (videos, -1)).transpose(1, 2)


def _convolve(conv: Any, x: Tensor) -> Tensor:
    if isinstance(conv, nn.Identity):
        return x
    weight = conv.weight[:, :, -1] if conv.weight.ndim == 5 else conv.weight
    return F.conv2d(x, weight, conv.bias, padding=weight.shape[-1] // 2)


def _norm(norm: Any, x: Tensor) -> Tensor:
    scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-12).to(x.dtype)
    return x * scale * norm.gamma.reshape(1, -1, 1, 1).to(x.dtype)


def _residual(block: Any, x: Tensor) -> Tensor:
    shortcut = _convolve(block.conv_shortcut, x)
    x = _convolve(block.conv1, F.silu(_norm(block.norm1, x)))
    return shortcut + _convolve(block.conv2, F.silu(_norm(block.norm2, x)))


def _middle(block: Any, x: Tensor) -> Tensor:
    x = _residual(block.resnets[0], x)
    for attention, residual in zip(block.attentions, block.resnets[1:], strict=True):
        x = _residual(residual, _attend(attention, x))
    return x


def _attend(block: Any, x: Tensor) -> Tensor:
    query, key, value = _convolve(block.to_qkv, _norm(block.norm, x)).flatten(2).transpose(1, 2).chunk(3, dim=-1)  # (N, hw, C)
    attended = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
    return x + _convolve(block.proj, attended.transpose(1, 2).reshape_as(x))
