"""Text attention without the padding, for training.

Wan pads a prompt's embedding with zeros to 512 tokens. The padding tokens are all equal, so attention to one of them that
weighs as much as all of them gives the same result up to rounding. A tiny transformer spends a sixth of a step on them.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

TEXT_TOKENS = 512


def without_padding(text: Tensor) -> tuple[Tensor, Tensor]:
    """Prompts (B, L, D), zeros after their own tokens, of which the longest has n: n + 1 tokens, and what to add to scores.

    Returns:
        Tokens (B, n + 1, D), and (1, 1, 1, n + 1): log of how many tokens each stands for. Where nothing is padding, all L tokens
        and zeros.
    """
    length = text.shape[1]
    own = int(text.any(dim=2).any(dim=0).nonzero().max()) + 1 if text.any() else 0
    kept = min(own + 1, length)
    bias = torch.zeros(1, 1, 1, kept)
    bias[..., -1] = torch.tensor(float(length - kept + 1)).log()
    return text[:, :kept], bias


@contextlib.contextmanager
def counting_padding(transformer: Any, bias: Tensor) -> Iterator[None]:
    """Let the text attention of all blocks add `bias` (1, 1, 1, n + 1) to its scores inside the block.

    Diffusers' blocks pass no mask to their text attention, so a hook puts the bias in its place. With gradient
    checkpointing, call `backward` inside the block too.
    """

    def add(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, text, *_ = args
        return hidden, text, bias.to(hidden.device, hidden.dtype), None

    with contextlib.ExitStack() as hooks:
        for block in (*transformer.blocks, *transformer.vace_blocks):
            hooks.callback(block.attn2.register_forward_pre_hook(add).remove)
        yield
