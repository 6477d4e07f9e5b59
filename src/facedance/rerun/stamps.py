"""Stamps: what a rule's results depend on besides what other rules make, as a small file that is newer when it has changed.

A stamp holds the rule's parameters, the digest of its code, the names of its items, and the digests of the files it uses
that the user brings. Modification times then tell all that Snakemake has to know, also in a fresh clone that has results
but no record of how they came about.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from facedance.files import read_json, write_json
from facedance.rerun.content import content_digest


def stamp_content(params: Any, code: str, items: Sequence[str] = (), files: Iterable[str] = ()) -> dict[str, Any]:
    """What the stamp of a job says: `items` are names, of `files` the content counts as well."""
    return {"params": params, "code": code, "items": list(items), "files": {str(f): content_digest(f) for f in files}}


def says(path: Path | str, content: dict[str, Any]) -> bool:
    """Whether a stamp is there and says this."""
    return _read(path) == content


def write_stamp(path: Path | str, content: dict[str, Any]) -> None:
    """Write the stamp unless the file says the same already."""
    if not says(path, content):
        write_json(path, content, durable=False)  # there are thousands, and one that is lost is written again


def settle_stamp(path: Path | str, made: Collection[str]) -> None:
    """Let a stamp know files that were made after it was written. It is no newer for that.

    Only what a run has made itself may be settled: the jobs that use it ran after that, or will run because it is newer.
    """
    content = _read(path)
    if content is None:
        return
    files = content["files"]
    fresh = {name: content_digest(name) for name in files if name in made}
    if fresh.items() <= files.items():
        return
    before = os.stat(path)
    write_json(path, {**content, "files": files | fresh}, durable=False)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _read(path: Path | str) -> dict[str, Any] | None:
    """What a stamp says; None when it is absent or damaged."""
    try:
        content = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None
