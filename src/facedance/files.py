"""Files that are either whole or absent, and their digests."""

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPORARY = re.compile(r"\.(?P<stem>.+)\.(?:(?P<host>[^.]+)-)?(?P<process>\d+)\.part")
"""Beginning of the names that `atomic` writes to, and that a killed process leaves behind."""


_JSON_ESCAPE = "backslashreplace"  # names of files whose bytes are no UTF-8, as JSON's own escapes


@contextlib.contextmanager
def atomic(path: Path | str, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    The temporary name keeps the suffix, because encoders choose the format by it. What killed processes of this machine have left
    in the folder goes away. What is not `durable` may be empty after a power cut, and is written faster.

    Raises:
        OSError: with ENOSPC when the disk is full, also where the library that writes has an exception of its own for it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    temporary = path.with_name(f".{path.stem}.{_host()}-{os.getpid()}.part{path.suffix}")
    try:
        try:
            yield temporary
        except Exception as error:
            if (full := os.strerror(errno.ENOSPC)) in str(error):
                raise OSError(errno.ENOSPC, full, str(path)) from error
            raise
        if durable:
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())  # a rename may outlive a power cut that the content does not
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@functools.cache  # once for each folder, as there may be many files in it
def _sweep(folder: Path) -> None:
    """Remove half-written files whose process runs no more; those of other machines may still be written to."""
    for file in folder.glob(".*.part*"):
        if (match := TEMPORARY.match(file.name)) and match["host"] == _host() and not _runs(int(match["process"])):
            file.unlink(missing_ok=True)


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def remove(path: Path) -> None:
    """Remove a file or a whole folder; a link is taken away, and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A path beside `folder` for its new content, which takes the old one's place when the block ends well."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    yield part
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def sha256(path: Path | str) -> str:
    """Hex digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Hex digest of a JSON-like value, the same for equal values."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", _JSON_ESCAPE)).hexdigest()


def write_json(path: Path | str, value: Any, *, durable: bool = True) -> None:
    """Write `value` as readable JSON, atomically."""
    with atomic(path, durable=durable) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8", _JSON_ESCAPE)


def read_json(path: Path | str) -> Any:
    """The value in a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
