"""What fused kernels of a GPU make and keep, on the meta device."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor


def _attention(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> Tensor:
    """Flash attention; on the meta device torch would lay out the whole matrix of scores instead."""
    output: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]
    return output


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
        patch.setattr(F, "scaled_dot_product_attention", _attention)
        patch.setattr(F, "rms_norm", lambda values, shape, weight=None, eps=None: _RMSNorm.apply(values, weight))
        yield
