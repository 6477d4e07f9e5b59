"""Gradient checkpointing that computes again only what there is no room to keep.

The backward pass of a block needs what its forward pass has made, which is kept or computed once more. Either way the numbers
are the same to the bit; what is kept is a matter of memory and time alone.

A matrix product or attention takes some multiplications for each number that comes out of it, its worth: 8,960 in the second
layer of a feed-forward network of the 1.3B, twice the number of tokens in self-attention, 1,536 in the other layers. So of all
blocks that is kept first which is worth most, as far as there is room, then what is worth less.
"""

import functools
from collections import Counter
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
_LINEAR = {_aten.addmm.default, _aten.mm.default}
_FLOAT32 = 4

Floor = int | None
"""The least worth of what a block keeps; with 0 nothing is computed again, with None everything."""


class Sizes(NamedTuple):
    """What the bytes that a transformer's blocks keep depend on besides the number of tokens."""

    blocks: int  # base blocks
    dim: int
    ffn: int
    heads: int
    number: int  # bytes of a number


def whole_block_bytes(sizes: Sizes, tokens: int) -> int:
    """What a block keeps of which nothing is computed again, without its LoRA: tokens (12 dim + 13 number dim + 2 number ffn).

    See `facedance.plan.activations.kept_by_block`.
    """
    return tokens * (3 * _FLOAT32 * sizes.dim + sizes.number * (13 * sizes.dim + 2 * sizes.ffn))


def worth_keeping(sizes: Sizes, batch: int, length: int) -> dict[int, int]:
    """Of a block on a batch of videos of so many tokens the bytes of what is worth so much, that which is worth most first.

    Attention keeps for each head and token the logarithm of a sum in float32, too.
    """
    tokens, number, dim = batch * length, sizes.number, sizes.dim
    kept = Counter({dim: tokens * number * (6 * dim + sizes.ffn)})
    kept[sizes.ffn] += tokens * number * dim
    if 2 * length >= dim:
        kept[2 * length] += tokens * (number * dim + _FLOAT32 * sizes.heads)
    return dict(sorted(kept.items(), reverse=True))


def floors(sizes: Sizes, batch: int, length: int, memory: int) -> list[Floor]:
    """What each base block keeps of a pass over a batch of videos of so many tokens, within `memory` bytes.

    The last block comes first, whose memory the backward pass frees first.
    """
    kept = worth_keeping(sizes, batch, length)
    rest = whole_block_bytes(sizes, batch * length) - sum(kept.values())
    chosen: list[Floor] = [None] * sizes.blocks
    most = sizes.blocks
    for floor, size in {**kept, 0: rest}.items():
        most = min(most, memory // size)
        chosen[:most] = [floor] * most
        memory -= most * size
    return chosen


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
    batch, length, _ = hidden.shape
    floor = floors(sizes, batch, length, memory)[places[block]]
    if floor == 0:
        return block(hidden, *rest)
    # Blocks draw no random numbers, so none need to be drawn again.
    again = functools.partial(checkpoint, block, hidden, *rest, use_reentrant=False, preserve_rng_state=False)
    if floor is None:
        return again()
    keeping = functools.partial(_policy, sizes.dim, batch * length, floor)
    return again(context_fn=functools.partial(create_selective_checkpoint_contexts, keeping))


def _policy(dim: int, tokens: int, floor: int, context: Any, operation: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return CheckpointPolicy.MUST_SAVE if _worth(dim, tokens, operation, args) >= floor else CheckpointPolicy.PREFER_RECOMPUTE


def _worth(dim: int, tokens: int, operation: Any, args: Any) -> int:
    """Multiplications for each number that comes of an operation; 0 for what is not of all tokens, or a LoRA's few numbers."""
    if operation in _ATTENTION:
        queries, keys = args[0].shape[-2], args[1].shape[-2]
        return 2 * keys if queries == keys else 0
    if operation in _LINEAR:
        (rows, inner), (_, width) = args[-2].shape, args[-1].shape
        return inner if rows == tokens and width >= dim else 0
    return 0
