"""How a script runs: output to its log and the terminal, and one sentence instead of a traceback for the user's mistakes."""

import contextlib
import errno
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

ERROR = "error: "
"""What the last line of a log says before the sentence on which a job ended."""

LOG_ONLY = "FACEDANCE_LOG_ONLY"
"""Environment variable of jobs whose progress is read from their logs by whoever started them."""

_FEW = 5


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one sentence that says what to do."""


def first_few(said: Sequence[str]) -> str:
    """The first of several things to say, and how many more there are, for one sentence."""
    more = [f"and {len(said) - _FEW} more"] if len(said) > _FEW else []
    return "; ".join([*said[:_FEW], *more])


@contextlib.contextmanager
def job(log: Path | str, name: str, threads: int | None = None) -> Iterator[logging.Logger]:
    """Run the block as the job `name`: progress goes to `log` and, unless LOG_ONLY is set, to stderr.

    Torch takes no more than `threads` threads.
    InputError and a full disk end the process with exit status 1 and one sentence; any other exception is a defect of
    this program, so its traceback goes to the log and is raised.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("facedance")
    logger.setLevel(logging.INFO)
    line = logging.Formatter(f"[{name}] %(message)s")
    handlers: list[logging.Handler] = [logging.FileHandler(log, mode="w", encoding="utf-8", errors="backslashreplace")]
    if LOG_ONLY not in os.environ:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(line)
        logger.addHandler(handler)
    if threads is not None:
        import torch  # noqa: PLC0415  (jobs without a model start faster without it)

        torch.set_num_threads(threads)
    try:
        yield logger
    except InputError as error:
        logger.error("%s%s", ERROR, error)
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        logger.error(
            "%sthe disk is full (%s): free some space and start again; finished work is kept",
            ERROR,
            error.filename or "no file name",
        )
        sys.exit(1)
    except Exception:
        with open(log, "a", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        raise
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
