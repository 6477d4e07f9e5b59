"""Work on items in processes of their own, where one that crashes or hangs is left out and the others go on.

What users bring is read by decoders in C, and a damaged file can end the process that reads it, or keep it for ever.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from facedance.job import InputError

STILL_S = 30.0
"""A worker that gives no sign of life for so long is ended; what it was at is tried once more."""

Item = TypeVar("Item")
Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Broken:
    """An item that ended the process which worked on it; `how` completes "cannot be read: ..."."""

    how: str


@dataclass
class _Worker(Generic[Item]):
    """A process, and what is left of its share of the items; the process has the first `given` of them still to do."""

    process: Any
    left: Sequence[Item]
    given: int
    alone: bool  # whether it was given one item, on which another has ended


def in_workers(
    do: Callable[[Sequence[Item]], Iterator[Fact]], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Fact | Broken]]:
    """Each item with its fact, as they come; Broken for an item on which a process has ended twice, the second time alone.

    The processes are forked, as a script of Snakemake cannot be imported.

    Args:
        do: gives a fact for each of some items, in their order; it may be at work on the next one then.
        workers: processes at once, each with its share of the items.

    Raises:
        Exception: what `do` raises.
    """
    running: dict[Any, _Worker[Item]] = {}
    for share in (items[i::workers] for i in range(min(workers, len(items)))):
        _begin(do, share, running)
    try:
        while running:
            ready: list[Any] = multiprocessing.connection.wait(list(running))
            for connection in ready:
                worker = running[connection]
                try:
                    fact = connection.recv()
                except (EOFError, OSError):
                    del running[connection]
                    worker.process.join()
                    if worker.given and not worker.alone:
                        _begin(do, worker.left, running, alone=True)
                        continue
                    if worker.given:
                        yield worker.left[0], Broken(_how(worker.process.exitcode))
                    if left := worker.left[worker.given :]:
                        _begin(do, left, running)
                    continue
                if isinstance(fact, Exception):
                    raise fact
                item, worker.left, worker.given = worker.left[0], worker.left[1:], worker.given - 1
                yield item, fact
    finally:
        for worker in running.values():
            worker.process.terminate()
        for worker in running.values():
            worker.process.join(STILL_S)
            worker.process.kill()
            worker.process.join()


def alive() -> None:
    """A sign of life, from whatever may be doing a worker's work. Elsewhere it does nothing."""
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        signal.setitimer(signal.ITIMER_REAL, STILL_S)


def end_with_parent() -> None:
    """See to it, in a process that was forked, that it ends when its parent does: a killed job must not leave processes
    behind that write where its successor does.
    """
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _begin(
    do: Callable[[Sequence[Item]], Iterator[Fact]],
    left: Sequence[Item],
    running: dict[Any, _Worker[Item]],
    alone: bool = False,
) -> None:
    """Start a process for what is left of a share, or for the first item alone: whether another has ended on it, or was
    killed by somebody, shows then.
    """
    given = 1 if alone else len(left)
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(do, left[:given], theirs), daemon=True)
    process.start()
    theirs.close()
    running[mine] = _Worker(process, left, given, alone)


def _work(do: Callable[[Sequence[Item]], Iterator[Fact]], items: Sequence[Item], connection: Any) -> None:
    end_with_parent()
    unwanted = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: unwanted.set())  # it ends after this item, which leaves nothing half-written
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, whatever it is doing
    signal.setitimer(signal.ITIMER_REAL, STILL_S)
    try:
        for fact in do(items):
            signal.setitimer(signal.ITIMER_REAL, 0)  # whoever takes it may take its time
            connection.send(fact)
            if unwanted.is_set():
                return
            signal.setitimer(signal.ITIMER_REAL, STILL_S)
    except (InputError, OSError) as error:
        connection.send(error)
    except Exception as error:
        connection.send(error)
        raise  # so that its traceback is seen, which does not travel


def _how(code: int) -> str:
    """How a process ended, from its exit code."""
    if code == -signal.SIGALRM:
        return f"its reader stood still for {STILL_S:g} s"
    if code == -signal.SIGKILL:
        return "its reader was killed, as happens when memory runs out"
    return f"its reader crashed ({signal.Signals(-code).name if code < 0 else f'exit {code}'})"


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
