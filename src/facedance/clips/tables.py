"""The tables that list clips: those that were cut, and the videos and clips that were not, with the reason."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import atomic
from facedance.layout import VIDEO, folder

COLUMNS = [
    "clip", "source", "start_s", "frames", "fps", "width", "height",
    "genre", "situation", "camera", "dancer", "music", "choreography",
    "status", "reason",
    "crop_x", "crop_y", "crop_w", "crop_h", "source_width", "source_height", "sha256",
]  # fmt: skip

Row = dict[str, Any]
"""A row by column; what is missing stays empty."""


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as csv, sorted by clip."""
    filled = [[row.get(column, "") for column in COLUMNS] for row in sorted(rows, key=lambda row: str(row["clip"]))]
    _write(path, pd.DataFrame(filled, columns=COLUMNS, dtype=object))


def unusable_rows(unusable: Mapping[str, str], template: str, prefix: str = "") -> list[Row]:
    """Rows of files in the folder of a template that are no videos: each is named like the file, with the reason."""
    return [
        {"clip": f"{prefix}{file}", "source": f"{folder(template)}/{file}", "status": "rejected", "reason": reason}
        for file, reason in sorted(unusable.items())
    ]


def list_clips(manifests: Sequence[Path], unusable: Mapping[str, str], out: Path) -> None:
    """Merge the rows of several manifests and of files that are no videos, sorted by clip, into `out`."""
    # As text: what stands in a manifest comes out as it is, also a video that is called "nan".
    tables = [pd.read_csv(manifest, dtype=str, keep_default_na=False) for manifest in manifests]
    others = pd.DataFrame(unusable_rows(unusable, VIDEO), columns=COLUMNS, dtype=object).fillna("")
    table = pd.concat([pd.DataFrame(columns=COLUMNS, dtype=object), *tables, others]).sort_values("clip", kind="stable")
    _write(out, table)
    counts = table["status"].value_counts()
    logging.getLogger("facedance").info("%d clips, %d rejected", counts.get("accepted", 0), counts.get("rejected", 0))


def _write(path: Path, table: pd.DataFrame) -> None:
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
