"""Gradient checkpointing that computes again only what there is no room to keep.

The backward pass of a block needs what its forward pass has made, which is kept or computed once more. Either way the numbers
are the same to the bit; what is kept is a matter of memory and time alone.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

_aten = torch.ops.aten
_ATTENTION = {
    _aten._scaled_dot_product_flash_attention.default,
    _aten._scaled_dot_product_flash_attention_for_cpu.default,
    _aten._scaled_dot_product_efficient_attention.default,
    _aten._scaled_dot_product_cudnn_attention.default,
}
_FLOAT32 = 4
_LONG = 4  # times the width: from so many tokens on, attention among them is a third of a block's work or more


class Sizes(NamedTuple):
    """What the bytes that a transformer's blocks keep depend on besides the number of tokens."""

    blocks: int  # base blocks
    dim: int
    ffn: int
    heads: int
    number: int  # bytes of a number


class Kept(NamedTuple):
    """How many base blocks keep what: these are the last, which the backward pass frees first."""

    whole: int  # blocks of which nothing is computed again
    attention: int  # blocks of which all but the output of self-attention is


def whole_block_bytes(sizes: Sizes, tokens: int) -> int:
    """What a block keeps of which nothing is computed again, without its LoRA: tokens (12 dim + 13 number dim + 2 number ffn).

    See `facedance.plan.activations.kept_by_block`.
    """
    return tokens * (3 * _FLOAT32 * sizes.dim + sizes.number * (13 * sizes.dim + 2 * sizes.ffn))


def attention_bytes(sizes: Sizes, tokens: int) -> int:
    """The output of a block's self-attention, and for each head and token the logarithm of a sum in float32."""
    return tokens * (sizes.number * sizes.dim + _FLOAT32 * sizes.heads)


def kept_blocks(sizes: Sizes, batch: int, length: int, memory: int) -> Kept:
    """What to keep of a pass over a batch of videos of so many tokens, within `memory` bytes.

    Whole blocks, which cost no time at all. Where there is no room for all of them and videos are long, the output of
    self-attention instead: it is small beside the rest, and computing it takes longest.
    """
    tokens = batch * length
    whole = min(sizes.blocks, memory // whole_block_bytes(sizes, tokens))
    if whole == sizes.blocks or length < _LONG * sizes.dim:
        return Kept(whole, 0)
    return Kept(0, min(sizes.blocks, memory // attention_bytes(sizes, tokens)))


def compute_again(transformer: Any, memory: int) -> None:
    """Let the backward pass compute the transformer's base blocks again, except for `memory` bytes that are kept."""
    places = {block: place for place, block in enumerate(reversed(transformer.blocks))}
    config = transformer.config
    heads, dim = config.num_attention_heads, config.num_attention_heads * config.attention_head_dim
    sizes = Sizes(len(places), dim, config.ffn_dim, heads, transformer.dtype.itemsize)
    transformer.enable_gradient_checkpointing(functools.partial(_run, places, sizes, memory))


def _run(places: Mapping[nn.Module, int], sizes: Sizes, memory: int, block: nn.Module, hidden: Tensor, *rest: Any) -> Any:
    """A block's output for hidden states (B, L, dim)."""
    if block not in places:  # a VACE block: nothing in it or before it learns, so it keeps nothing as it is
        return block(hidden, *rest)
    kept = kept_blocks(sizes, hidden.shape[0], hidden.shape[1], memory)
    if places[block] < kept.whole:
        return block(hidden, *rest)
    # Blocks draw no random numbers, so none need to be drawn again.
    if places[block] < kept.attention:
        keeping = functools.partial(create_selective_checkpoint_contexts, _self_attention)
        return checkpoint(block, hidden, *rest, use_reentrant=False, preserve_rng_state=False, context_fn=keeping)
    return checkpoint(block, hidden, *rest, use_reentrant=False, preserve_rng_state=False)


def _self_attention(context: Any, operation: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    """Keep what comes of attention among as many keys as queries."""
    same = operation in _ATTENTION and args[0].shape[-2] == args[1].shape[-2]
    return CheckpointPolicy.MUST_SAVE if same else CheckpointPolicy.PREFER_RECOMPUTE
