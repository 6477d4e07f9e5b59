"""Which files in data/ are the sample's own: those that still hold what it made, as it recorded.

So a file that took the place of one is the user's, and without the sample only the user's count. Rules read this.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from facedance.files import read_json, sha256, write_json
from facedance.rerun.content import content_digest


def record_own(record: Path, files: Iterable[Path]) -> None:
    """Write down what the sample has made: the files' names and digests."""
    write_json(record, {file.name: sha256(file) for file in sorted(files)})


def recorded(record: Path | str) -> Mapping[str, str]:
    """Digests of what the sample made, by the names of the files; empty when nothing is recorded."""
    try:
        content = read_json(record)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def own_files(record: Path | str, folder: str) -> frozenset[str]:
    """Paths of the files in the folder that are as the sample made them."""
    digests = {f"{folder}/{name}": digest for name, digest in recorded(record).items()}
    return frozenset(path for path, digest in digests.items() if content_digest(path) == digest)


def is_own_or_absent(path: str, record: str, stamp: str) -> bool:
    """Whether the sample may make a file: it is not there, or the sample has made it.

    A file without a record is the sample's if a rule has a `stamp` for it: it is being made.
    """
    if not os.path.lexists(path):
        return True
    return path in own_files(record, os.path.dirname(path)) or (not os.path.exists(record) and os.path.exists(stamp))
