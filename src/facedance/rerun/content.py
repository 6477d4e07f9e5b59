"""What files hold, by digest. A file that has not changed since its digest was taken is not read again.

Times alone do not tell: a photo that replaces another by `mv`, `cp -p` or `rsync -a` may be older than what was made of
the first. What is known is remembered in one file for each folder, a line for each digest.
"""

import contextlib
import functools
import json
import logging
import os
from pathlib import Path

from facedance.files import sha256

_MANY = 10e9  # bytes; reading them takes a minute or so

_log = logging.getLogger("facedance")


def content_digest(path: Path | str) -> str | None:
    """Hex digest of a file's content; None when it is not there, or cannot be read."""
    folder, name = os.path.split(path)
    known = _known(folder)
    try:
        facts = _facts(os.stat(path))
        if (entry := known.get(name)) is None or entry[:-1] != facts:
            entry = known[name] = [*facts, sha256(path)]
            _remember(folder, name, entry)
    except OSError:
        return None
    return str(entry[-1])


def remembered_in(folder: Path | str) -> Path:
    """The file, in the project, that remembers the digests of the files in a folder. It names them, so it lies by folders."""
    path = os.path.normpath(folder)
    inside = os.path.abspath(path) if path.startswith("..") else path
    return Path(".cache/digests", inside.lstrip("/"), ".known.jsonl")


def _facts(found: os.stat_result) -> list[int]:
    """What changes with a file's content: also its change of status, as the time of modification can be set."""
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


@functools.cache
def _known(folder: str) -> dict[str, list[int | str]]:
    """What is remembered of a folder's files; the last line counts, and one that is not whole does not."""
    known = {}
    with contextlib.suppress(OSError), open(remembered_in(folder), encoding="ascii", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError, TypeError):
                name, *entry = json.loads(line)
                known[name] = entry
    _tell_of_the_others(folder, known)
    return known


def _tell_of_the_others(folder: str, known: dict[str, list[int | str]]) -> None:
    """Say that reading all that is not known may take long."""
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        sizes = [entry.stat().st_size for entry in entries if entry.name not in known]
        if (total := sum(sizes)) > _MANY:
            _log.warning("reading %d files of %s once (%.0f GB), to know them by what they hold", len(sizes), folder, total / 1e9)


def _remember(folder: str, name: str, entry: list[int | str]) -> None:
    """Add a line; several runs may do so at once, and where nothing can be written the file is read again next time."""
    file = remembered_in(folder)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="ascii") as lines:
            lines.write(json.dumps([name, *entry]) + "\n")
