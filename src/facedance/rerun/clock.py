"""Files from the future, brought into the present.

A clock that was set back, or a camera whose clock is wrong, leaves modification times that have not come yet. Whatever is made
from such a file looks older than it, so Snakemake makes it anew in every run and then refuses it.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterable, Iterator

from facedance.job import InputError

_log = logging.getLogger("facedance")


def bring_into_present(folders: Iterable[str]) -> int:
    """Give files that were modified later than now times before it; tells how many they were.

    Of a link and what it leads to both are dated.

    Raises:
        InputError: the times are not ours to set.
    """
    times = present_times(folders)
    for path, moment in times.items():
        _date(path, moment)
    if times:
        _log.warning(
            "%d files seemed to be from the future, as if a clock had been wrong; they are dated just before now", len(times)
        )
    return len(times)


def present_times(folders: Iterable[str]) -> dict[str, int]:
    """Times (ns) before now for files that were modified later than now.

    They stay in their order, and newer than all files that were not from the future. Of a link and what it leads to the later
    time counts, as it does for Snakemake.
    """
    files = [file for folder in folders for file in _files(folder)]
    now = time.time_ns()  # after looking, so that what another run writes meanwhile is not taken for the future
    future = [(path, modified) for path, modified in files if modified > now]
    latest = max((modified for _, modified in files if modified <= now), default=0)
    moments = {modified: i for i, modified in enumerate(sorted({modified for _, modified in future}), start=1)}
    return {path: latest + (now - latest) * moments[modified] // len(moments) for path, modified in future}


def _files(folder: str) -> Iterator[tuple[str, int]]:
    """Paths and modification times of all files in a folder and below; what goes away meanwhile is left out."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
                continue
            with contextlib.suppress(FileNotFoundError):  # of a link, also its own time
                yield entry.path, max(entry.stat(follow_symlinks=follow).st_mtime_ns for follow in {True, not entry.is_symlink()})


def _date(path: str, moment: int) -> None:
    try:
        for follow in {True, not os.path.islink(path)}:
            os.utime(path, ns=(moment, moment), follow_symlinks=follow)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(
            f"{path} is from the future and cannot be dated ({error.strerror}): correct the clock, or touch it as its owner"
        ) from None
