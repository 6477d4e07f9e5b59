"""WanVACETransformer3DModel with its face branch in training on a CPU: the same mathematics, several times faster.

What is different: attention to few tokens is written out, because the fused kernel is slow at those; the many equal padding
tokens of a prompt are one token that weighs as much as all of them; and blocks are functions that can be compiled.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import TIMESTEPS

FEW_TOKENS = 1000  # up to these, attention as products of matrices is faster than the fused kernel


@dataclass(frozen=True)
class Text:
    """Prompts: their tokens and, last, one token of padding."""

    tokens: Tensor  # (B, L, text dim)
    bias: Tensor  # (B, 1, 1, L) added to the attention's scores: log of how many tokens each stands for

    @classmethod
    def of(cls, prompts: list[Tensor], length: int) -> "Text":
        """From embeddings (512, text dim) that are zero after the prompt's own tokens, of which at most length - 1 are used."""
        tokens = torch.zeros(len(prompts), length, prompts[0].shape[-1])
        counts = torch.zeros(len(prompts), 1, 1, length)
        for i, prompt in enumerate(prompts):
            own = int(prompt.any(dim=1).sum())
            if own >= length:
                raise ValueError(f"a prompt of {own} tokens; at most {length - 1} fit")
            tokens[i, :own] = prompt[:own]
            counts[i, 0, 0, :own], counts[i, 0, 0, -1] = 1, len(prompt) - own
        return cls(tokens, counts.log())


def predict(
    model: Any, branch: FaceBranch, latents: Tensor, sigma: Tensor, control: Tensor, text: Text, faces: Tensor, scale: Tensor,
    *, block: Any, vace_block: Any,
) -> Tensor:  # fmt: skip
    """Velocity (B, z, F, h, w), as the model gives it with the branch attached.

    Args:
        latents: (B, z, F, h, w).
        sigma: (B,) noise levels.
        control: (B, c, F, h, w).
        faces: (B, D) embeddings of length 1, or (B, P, D) of several people.
        scale: (B,) of the face branch, or (B, P, F, h, w) of each person's part of it in each latent pixel.
        block, vace_block: `base_block` and `control_block`, compiled or not.
    """
    rotary = tuple(t.float() for t in model.rope(latents))
    cos, sin = rotary[0][..., 0::2], rotary[1][..., 1::2]
    x = model.patch_embedding(latents).flatten(2).transpose(1, 2).float()  # (B, L, dim)
    c = model.vace_patch_embedding(control).flatten(2).transpose(1, 2).float()
    embedder = model.condition_embedder
    time = embedder.time_embedder(embedder.timesteps_proj(sigma * TIMESTEPS)).float()  # (B, dim)
    modulation = embedder.time_proj(F.silu(time)).float().unflatten(1, (6, -1))  # (B, 6, dim)
    words = embedder.text_embedder(text.tokens)
    tokens = branch.tokens(faces if faces.ndim == 3 else faces[:, None])  # (B, P, N, dim)
    parts = scale[:, None, None, None] if scale.ndim == 1 else scale.flatten(2)[..., None]  # (B, P, 1 or L, 1)
    hints = []
    for layer in model.vace_blocks:
        hint, c = vace_block(layer, x, c, words, text.bias, modulation, cos, sin)
        hints.append(hint)
    for i, layer in enumerate(model.blocks):
        x = block(layer, branch.blocks[i], x, words, text.bias, modulation, cos, sin, tokens, parts)
        if i in model.config.vace_layers:
            x = x + hints[model.config.vace_layers.index(i)]
    shift, gain = (model.scale_shift_table + time[:, None]).chunk(2, dim=1)
    out = model.proj_out(model.norm_out(x) * (1 + gain) + shift)
    return _unpatch(out, latents.shape, model.config.patch_size).float()


def base_block(
    layer: Any, face: Any, x: Tensor, words: Tensor, bias: Tensor, modulation: Tensor, cos: Tensor, sin: Tensor, tokens: Tensor,
    scale: Tensor,
) -> Tensor:  # fmt: skip
    """One block of the transformer with its part of the face branch.

    x is (B, L, dim), `tokens` are (B, P, N, dim), `scale` is (B, P, 1 or L, 1).
    """
    parts = (layer.scale_shift_table + modulation).chunk(6, dim=1)
    x = x + _self_attention(layer.attn1, layer.norm1(x) * (1 + parts[1]) + parts[0], cos, sin) * parts[2]
    query = _heads(layer.attn2.norm_q(layer.attn2.to_q(layer.norm2(x))), layer.attn2.heads)
    key, value = face(tokens)
    x = x + _cross_attention(layer.attn2, query, words, bias)
    for person in range(tokens.shape[1]):
        seen = _attend(query, _heads(key[:, person], layer.attn2.heads), _heads(value[:, person], layer.attn2.heads))
        x = x + scale[:, person] * face.out_up(face.out_down(seen))
    return x + layer.ffn(layer.norm3(x) * (1 + parts[4]) + parts[3]) * parts[5]


def control_block(
    layer: Any, x: Tensor, control: Tensor, words: Tensor, bias: Tensor, modulation: Tensor, cos: Tensor, sin: Tensor
) -> tuple[Tensor, Tensor]:
    """One block of the control branch: its hint for the transformer and its own state, both (B, L, dim)."""
    if layer.proj_in is not None:
        control = layer.proj_in(control) + x
    parts = (layer.scale_shift_table + modulation).chunk(6, dim=1)
    control = control + _self_attention(layer.attn1, layer.norm1(control) * (1 + parts[1]) + parts[0], cos, sin) * parts[2]
    query = _heads(layer.attn2.norm_q(layer.attn2.to_q(layer.norm2(control))), layer.attn2.heads)
    control = control + _cross_attention(layer.attn2, query, words, bias)
    control = control + layer.ffn(layer.norm3(control) * (1 + parts[4]) + parts[3]) * parts[5]
    return layer.proj_out(control), control


def _self_attention(attention: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    query = _rotated(attention.norm_q(attention.to_q(x)), attention.heads, cos, sin)
    key = _rotated(attention.norm_k(attention.to_k(x)), attention.heads, cos, sin)
    out: Tensor = attention.to_out[0](_attend(query, key, _heads(attention.to_v(x), attention.heads)))
    return out


def _cross_attention(attention: Any, query: Tensor, words: Tensor, bias: Tensor) -> Tensor:
    key, value = _heads(attention.norm_k(attention.to_k(words)), attention.heads), _heads(attention.to_v(words), attention.heads)
    out: Tensor = attention.to_out[0](_attend(query, key, value, bias))
    return out


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of (B, heads, L, d) as (B, L, dim)."""
    value = value.to(torch.bfloat16) if torch.is_autocast_enabled("cpu") else value
    query, key = query.to(value.dtype), key.to(value.dtype)
    if key.shape[2] > FEW_TOKENS:
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    scores = (query * (1 / math.sqrt(query.shape[-1]))) @ key.transpose(-1, -2)
    if bias is not None:
        scores = scores + bias
    weights = torch.softmax(scores.float(), dim=-1).to(value.dtype)
    return (weights @ value).transpose(1, 2).flatten(2)


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def _rotated(x: Tensor, heads: int, cos: Tensor, sin: Tensor) -> Tensor:
    """(B, L, dim) to (B, heads, L, d), each pair of its entries turned by its token's angles."""
    a, b = x.unflatten(2, (heads, -1, 2)).unbind(-1)  # (B, L, heads, d / 2)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2).transpose(1, 2)


def _unpatch(x: Tensor, shape: torch.Size, patch: tuple[int, int, int]) -> Tensor:
    batch, _, frames, height, width = shape
    x = x.reshape(batch, frames // patch[0], height // patch[1], width // patch[2], *patch, -1)
    return x.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)
