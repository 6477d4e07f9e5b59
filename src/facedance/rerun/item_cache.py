"""Item-wise reuse: what a job on a shard made for one item is kept while it is undamaged and its key is the same.

Snakemake decides which shards run; within a shard this decides which items do. Beside the products of an item lies a
record, `<folder>/.items/<item>.json`, with the key they were made under and their digests, so that a damaged or
half-replaced product is made again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facedance.files import digest, read_json, sha256, write_json


def item_key(stamp: Path | str, *facts: Any) -> str:
    """Key of an item: the rule's parameters and code (from its stamp) and facts of the item, such as its inputs' digests."""
    content = read_json(stamp)
    return digest([content["params"], content["code"], *facts])


def reusable(folder: Path | str, item: str, key: str) -> dict[str, Any] | None:
    """The facts recorded with the item when its products are whole and made under `key`, else None."""
    record = _record(folder, item)
    if not record.exists():
        return None
    try:
        kept = read_json(record)
    except ValueError:  # the record itself is damaged
        return None
    if kept["key"] != key:
        return None
    for name, expected in kept["files"].items():
        product = Path(folder) / name
        if not product.exists() or sha256(product) != expected:
            return None
    return kept["facts"]


def record(folder: Path | str, item: str, key: str, files: Sequence[Path | str], facts: dict[str, Any]) -> None:
    """Remember that `files` (inside `folder`) are the products of `item` under `key`, with facts to hand back later."""
    folder = Path(folder)
    digests = {str(Path(f).relative_to(folder)): sha256(f) for f in files}
    write_json(_record(folder, item), {"key": key, "files": digests, "facts": facts})


def _record(folder: Path | str, item: str) -> Path:
    return Path(folder) / ".items" / f"{item}.json"
