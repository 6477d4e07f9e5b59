"""What fused kernels of a GPU make and keep, on the meta device."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor


class _Attention(torch.autograd.Function):
    """What flash attention makes and keeps; on the meta device torch would lay out the whole matrix of scores instead."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        batch, heads, length, dim = query.shape
        output = query.new_empty(batch, length, heads, dim).transpose(1, 2)
        ctx.save_for_backward(query, key, value, output, query.new_empty(batch, heads, length, dtype=torch.float32))
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.empty_like(tensor) for tensor in ctx.saved_tensors[:3])


class _RMSNorm(torch.autograd.Function):
    """What the fused norm makes and keeps on a GPU."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(values, weight, values.new_empty(*values.shape[:-1], 1, dtype=torch.float32))
        return torch.empty_like(values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None]:
        values, weight, _ = ctx.saved_tensors
        return torch.empty_like(values), torch.empty_like(weight) if ctx.needs_input_grad[1] else None


@contextlib.contextmanager
def as_on_gpu() -> Iterator[None]:
    """Attention and norm as fused kernels, as far as memory goes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "scaled_dot_product_attention", lambda query, key, value, **_: _Attention.apply(query, key, value))
        patch.setattr(F, "rms_norm", lambda values, shape, weight=None, eps=None: _RMSNorm.apply(values, weight))
        yield
