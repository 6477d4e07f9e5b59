"""What the sample has made in data/, by digest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from facedance.files import read_json, sha256, write_json


def record_own(record: Path, files: Iterable[Path], of: str = "") -> None:
    """Write down what the sample has made: the files' names and digests, and of whom they are."""
    write_json(record, {f"{_whose(of)}{file.name}": sha256(file) for file in sorted(files)})


def recorded(record: Path | str, of: str = "") -> Mapping[str, str]:
    """Digests of what the sample made, by the names of the files; empty when nothing is recorded, or it is of somebody else.

    So a person's folder that was copied from one of the sample's is the user's.
    """
    try:
        content = read_json(record)
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name.removeprefix(_whose(of)): digest for name, digest in content.items() if name.startswith(_whose(of))}


def _whose(of: str) -> str:
    return f"{of}/" if of else ""
