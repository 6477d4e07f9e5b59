"""What the benchmarks of steps share, the one that runs in another environment too: random weights, seconds and peak memory."""

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch


def fill_randomly(model: Any, device: torch.device | str) -> None:
    """Give a model on the meta device random numbers, small enough that nothing overflows."""
    model.to_empty(device=device)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        torch.nn.init.ones_(tensor) if "norm" in name else torch.nn.init.normal_(tensor, std=0.02)


def seconds(act: Callable[[], Any]) -> float:
    """How long an act takes, with what it has left to the GPU."""
    started = time.monotonic()
    act()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic() - started


def fastest(act: Callable[[], Any], times: int) -> float:
    """Seconds of the fastest of so many, after one that is not counted."""
    return min([seconds(act) for _ in range(times + 1)][1:])


@contextlib.contextmanager
def beginnings(model: Any) -> Iterator[list[float]]:
    """When each forward pass of a model inside the block began, in seconds of some clock."""
    times: list[float] = []

    def note(*_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.monotonic())

    hook = model.register_forward_pre_hook(note)
    try:
        yield times
    finally:
        hook.remove()


def peak_memory() -> float:
    """The most that torch has taken of the GPU so far, or else this process of main memory, in GiB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
