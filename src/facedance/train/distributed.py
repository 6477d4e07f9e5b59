"""Training in several processes, one to a GPU: they share out the items of a batch and add up their gradients.

Each holds the whole model and takes the same steps, since each has the whole gradient. Only rank 0 writes.
"""

import datetime
import logging
import multiprocessing
import multiprocessing.connection
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from facedance.gpus import own_gpu
from facedance.job import InputError
from facedance.workers import end_with_parent

_PATIENCE = datetime.timedelta(hours=6)  # the others wait while rank 0 renders the clip held out

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Rank:
    """One of the processes that train together, or the only one."""

    number: int = 0
    of: int = 1

    def share(self, items: int) -> range:
        """Which of a batch's items are this process's."""
        return range(self.number, items, self.of)

    def gather(self, values: Sequence[Any]) -> list[Any]:
        """The values of all items in their order, of which each process has those of its share."""
        if self.of == 1:
            return list(values)
        parts: list[Any] = [None] * self.of
        dist.all_gather_object(parts, list(values))
        return [parts[item % self.of][item // self.of] for item in range(sum(len(part) for part in parts))]

    def told(self, value: Any) -> Any:
        """The value that the first process has; each process has to ask at the same time."""
        if self.of == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Give each parameter the sum of its gradients in all processes; where none has one, none has one then."""
        if self.of == 1:
            return
        with_gradient = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
        dist.all_reduce(with_gradient)
        moved = [p for p, count in zip(parameters, with_gradient.tolist(), strict=True) if count]
        if not moved:  # the face was dropped in all items, and nothing but the face is trained
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in moved]
        total = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(total)
        for parameter, part in zip(moved, total.split([p.numel() for p in moved]), strict=True):
            parameter.grad = part.view_as(parameter)


ALONE = Rank()


def in_processes(count: int, work: Callable[[Rank], None]) -> None:
    """Do the work in `count` processes at once, each with its rank; in this one if fewer than two are asked for.

    With more, this process must not have used the GPU before: they are forked, as a script of Snakemake cannot be imported.

    Raises:
        ValueError, OSError: that of a process, in which case the others are ended.
        RuntimeError: a process failed otherwise, or was killed.
    """
    if count < 2:
        work(ALONE)
        return
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        failures = context.SimpleQueue()
        processes = [
            context.Process(target=_member, args=(Rank(number, count), Path(folder) / "store", work, failures))
            for number in range(count)
        ]
        for process in processes:
            process.start()
        try:
            failed = _first_failure(processes)
        finally:
            for process in processes:
                process.terminate()
                process.join()
        if not failures.empty():
            raise failures.get()
        if failed is not None:
            raise RuntimeError(f"training process {failed} of {count} ended with {processes[failed].exitcode}")


def _first_failure(processes: Sequence[Any]) -> int | None:
    """Waits until a process has failed, and tells which; None when all have ended well."""
    running = {process.sentinel: number for number, process in enumerate(processes)}
    while running:
        for sentinel in multiprocessing.connection.wait(list(running)):
            number = running.pop(sentinel)
            processes[number].join()
            if processes[number].exitcode:
                return number
    return None


def _member(rank: Rank, store: Path, work: Callable[[Rank], None], failures: Any) -> None:
    end_with_parent()
    if rank.number:
        _log.setLevel(logging.WARNING)
    try:
        dist.init_process_group(
            _choose_backend(rank), init_method=f"file://{store}", rank=rank.number, world_size=rank.of, timeout=_PATIENCE
        )
        work(rank)
        dist.destroy_process_group()
    except (ValueError, OSError) as error:
        failures.put(error)
        raise SystemExit(1) from None


def _choose_backend(rank: Rank) -> str:
    """NCCL with a GPU that no other process has, or Gloo on a CPU."""
    if not torch.cuda.is_available():
        return "gloo"
    if (number := own_gpu()) is None:
        raise InputError(
            f"fewer than the {rank.of} GPUs asked for are free: wait for other jobs, or lower this rule's gpu (--set-resources)"
        )
    torch.cuda.set_device(number)
    return "nccl"
