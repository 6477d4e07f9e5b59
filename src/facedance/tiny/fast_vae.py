"""AutoencoderKLWan over a whole video at once, for training it.

Diffusers runs this VAE chunk by chunk with a cache of features, and its backward pass is of no use on a CPU. Here frames are
folded into the batch and each causal 3-D convolution is one 2-D convolution over three stacked frames. The weights are the
module's own, and so are the results, within rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import WanResample, patchify, unpatchify
from torch import Tensor, nn


def encode(vae: AutoencoderKLWan, video: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (B, z, T', h, w) of the latents of videos (B, 3, T, H, W) in [-1, 1]; T is 4 n + 1."""
    net: Any = vae.encoder
    videos = len(video)
    x = _conv3d(net.conv_in, _fold(patchify(video, vae.config.patch_size or 1)), videos)
    for layer in net.down_blocks:
        x = _down(layer, x, videos) if isinstance(layer, WanResample) else _residual(layer, x, videos)
    x = _middle(net.mid_block, x, videos)
    x = _conv3d(net.conv_out, F.silu(_norm(net.norm_out, x)), videos)
    mean, log_variance = _unfold(_conv2d(vae.quant_conv, x), videos).chunk(2, dim=1)
    return mean, log_variance


def decode(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Videos (B, 3, T, H, W), not clamped, of latents (B, z, T', h, w) as `encode` gives them."""
    net: Any = vae.decoder
    videos = len(latents)
    x = _conv3d(net.conv_in, _conv2d(vae.post_quant_conv, _fold(latents)), videos)
    x = _middle(net.mid_block, x, videos)
    for block in net.up_blocks:
        for layer in block.resnets:
            x = _residual(layer, x, videos)
        if block.upsamplers is not None:
            x = _up(block.upsamplers[0], x, videos)
    out = _unfold(_conv3d(net.conv_out, F.silu(_norm(net.norm_out, x)), videos), videos)
    return unpatchify(out, vae.config.patch_size or 1)


def _fold(video: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B T, C, H, W)."""
    return video.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _unfold(x: Tensor, videos: int) -> Tensor:
    """(B T, C, H, W) to (B, C, T, H, W)."""
    return x.unflatten(0, (videos, -1)).transpose(1, 2)


def _conv2d(conv: Any, x: Tensor) -> Tensor:
    """A convolution that sees one frame: a 1x1x1 one, or a causal one of which only the last third meets anything."""
    weight = conv.weight[:, :, -1] if conv.weight.ndim == 5 else conv.weight
    return F.conv2d(x, weight, conv.bias, padding=weight.shape[-1] // 2)


def _conv3d(conv: Any, x: Tensor, videos: int) -> Tensor:
    frames = len(x) // videos
    if isinstance(conv, nn.Identity):
        return x
    if conv.weight.shape[2] == 1 or frames == 1:
        return _conv2d(conv, x)
    padded = F.pad(x.unflatten(0, (videos, frames)), (0, 0, 0, 0, 0, 0, 2, 0))
    return _stacked(conv, [padded[:, i : i + frames] for i in range(3)], padding=conv.weight.shape[-1] // 2)


def _stacked(conv: Any, taps: list[Tensor], padding: int) -> Tensor:
    """One 2-D convolution over three frames (B, T, C, H, W) each, stacked along the channels."""
    stacked = torch.cat(taps, dim=2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    weight = conv.weight.permute(0, 2, 1, 3, 4).flatten(1, 2)  # (out, 3 C, k, k)
    return F.conv2d(stacked, weight, conv.bias, padding=padding)


def _norm(norm: Any, x: Tensor) -> Tensor:
    scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-12).to(x.dtype)
    return x * scale * norm.gamma.reshape(1, -1, 1, 1).to(x.dtype)


def _residual(block: Any, x: Tensor, videos: int) -> Tensor:
    shortcut = _conv3d(block.conv_shortcut, x, videos)
    x = _conv3d(block.conv1, F.silu(_norm(block.norm1, x)), videos)
    return shortcut + _conv3d(block.conv2, F.silu(_norm(block.norm2, x)), videos)


def _middle(block: Any, x: Tensor, videos: int) -> Tensor:
    x = _residual(block.resnets[0], x, videos)
    for attention, residual in zip(block.attentions, block.resnets[1:], strict=True):
        x = _residual(residual, _attend(attention, x), videos)
    return x


def _attend(block: Any, x: Tensor) -> Tensor:
    query, key, value = _conv2d(block.to_qkv, _norm(block.norm, x)).flatten(2).transpose(1, 2).chunk(3, dim=-1)  # (N, hw, C)
    attended = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
    return x + _conv2d(block.proj, attended.transpose(1, 2).reshape_as(x))


def _down(layer: Any, x: Tensor, videos: int) -> Tensor:
    conv = layer.resample[1]
    x = F.conv2d(F.pad(x, (0, 1, 0, 1)), conv.weight, conv.bias, stride=2)
    frames = len(x) // videos
    if layer.mode != "downsample3d" or frames == 1:
        return x
    split = x.unflatten(0, (videos, frames))
    rest = _stacked(layer.time_conv, [split[:, :-2:2], split[:, 1:-1:2], split[:, 2::2]], padding=0)
    return torch.cat([split[:, :1], rest.unflatten(0, (videos, -1))], dim=1).flatten(0, 1)


def _up(layer: Any, x: Tensor, videos: int) -> Tensor:
    frames = len(x) // videos
    if layer.mode == "upsample3d" and frames > 1:
        split = x.unflatten(0, (videos, frames))
        padded = F.pad(split[:, 1:], (0, 0, 0, 0, 0, 0, 2, 0))  # the first frame is passed on as it is
        pairs = _stacked(layer.time_conv, [padded[:, i : i + frames - 1] for i in range(3)], padding=0)
        pairs = pairs.unflatten(0, (videos, frames - 1)).unflatten(2, (2, -1))  # (B, T - 1, 2, C, H, W)
        x = torch.cat([split[:, :1], pairs.flatten(1, 2)], dim=1).flatten(0, 1)
    conv = layer.resample[1]
    return F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), conv.weight, conv.bias, padding=1)
