"""The tables that list clips: those that were cut, and the videos and clips that were not, with the reason."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import atomic
from facedance.job import InputError

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


def list_clips(manifests: Sequence[Path], out: Path) -> None:
    """Merge the rows of several manifests, sorted by clip, into `out`.

    Raises:
        InputError: two videos give a clip of the same name.
    """
    # As text: what stands in a manifest comes out as it is, also a video that is called "nan".
    tables = [pd.read_csv(manifest, dtype=str, keep_default_na=False) for manifest in manifests]
    table = pd.concat([pd.DataFrame(columns=COLUMNS, dtype=object), *tables]).sort_values("clip", kind="stable")
    for clip, sources in table.groupby("clip")["source"]:
        if len(sources) > 1:
            _refuse(str(clip), sources.tolist())
    _write(out, table)
    counts = table["status"].value_counts()
    logging.getLogger("facedance").info("%d clips, %d rejected", counts.get("accepted", 0), counts.get("rejected", 0))


def by_name(videos: Sequence[Path], name: Callable[[Path], str]) -> dict[str, Path]:
    """Videos by the name that their clips get, in the order of the names.

    Raises:
        InputError: two videos get the same.
    """
    named: dict[str, Path] = {}
    for video in videos:
        if (other := named.setdefault(name(video), video)) is not video:
            _refuse(name(video), [other.as_posix(), video.as_posix()])
    return dict(sorted(named.items()))


def _refuse(name: str, sources: Sequence[str]) -> None:
    raise InputError(f"{' and '.join(sources)} would both give {name}: rename one of them")


def _write(path: Path, table: pd.DataFrame) -> None:
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
