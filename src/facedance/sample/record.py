"""What the sample has made in data/, by digest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from facedance.files import read_json, sha256, write_json


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
