"""Counts the bytes of the tensors that are alive while code runs on the meta device, where they take no memory."""

import contextlib
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """While entered, `peak` is the most bytes that tensors made in it have held at once; `known` tensors are not counted."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()
        self._known = [tensor.untyped_storage() for tensor in known]  # held, so that their addresses stay theirs
        self._alive: dict[int, Any] = {storage._cdata: None for storage in self._known}
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(output):
            if isinstance(leaf, Tensor):
                self._watch(leaf.untyped_storage())
        self.peak = max(self.peak, self.now)
        return output

    def _watch(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        if address in self._alive:
            return

        def forget(_: Any) -> None:
            del self._alive[address]
            self.now -= size

        self._alive[address] = weakref.ref(storage, forget)
        self.now += size


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
