"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum whose matrices are made orthogonal.

It learns the tiny model's matrices and convolutions in a fraction of AdamW's steps; vectors stay with AdamW, and so do the layers
at the transformer's ends, as its authors advise.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
BETAS = (0.9, 0.98)
EPSILON = 1e-8
_ROUNDS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, chosen by Muon's authors for speed


class Muon(torch.optim.Optimizer):
    """Orthogonal momentum for `matrices` at `rate`, AdamW without decay for `others` at `other_rate`.

    Both rates are multiplied by `factor`, which the training changes from step to step.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], rate: float, other_rate: float) -> None:
        groups: list[dict[str, Any]] = [
            {"params": list(matrices), "lr": rate, "orthogonal": True},
            {"params": list(others), "lr": other_rate, "orthogonal": False},
        ]
        super().__init__(groups, {})
        self.factor = 1.0

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step for every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    change = (_matrix_change if group["orthogonal"] else _adam_change)(parameter.grad, self.state[parameter])
                    parameter.sub_(change, alpha=self.factor * group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix (m, n) with about the same singular vectors and singular values near 1, by Newton-Schulz iterations."""
    a, b, c = _COEFFICIENTS
    x = matrix.bfloat16()  # exact enough for a direction, and much faster
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    x = x / (x.norm() + 1e-7)
    for _ in range(_ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


def _matrix_change(gradient: Tensor, state: dict[str, Any]) -> Tensor:
    momentum = state.setdefault("momentum", torch.zeros_like(gradient))
    momentum.lerp_(gradient, 1 - MOMENTUM)
    rows = gradient.lerp(momentum, MOMENTUM).flatten(1)  # a convolution is a matrix of its outputs by all its inputs
    return orthogonal(rows).view_as(gradient) * max(1.0, rows.shape[0] / rows.shape[1]) ** 0.5


def _adam_change(gradient: Tensor, state: dict[str, Any]) -> Tensor:
    if not state:
        state |= {"step": torch.zeros(()), "exp_avg": torch.zeros_like(gradient), "exp_avg_sq": torch.zeros_like(gradient)}
    state["step"] += 1
    state["exp_avg"].lerp_(gradient, 1 - BETAS[0])
    state["exp_avg_sq"].lerp_(gradient.square(), 1 - BETAS[1])
    step = float(state["step"])
    root = (state["exp_avg_sq"] / (1 - BETAS[1] ** step)).sqrt() + EPSILON
    return state["exp_avg"] / (1 - BETAS[0] ** step) / root
