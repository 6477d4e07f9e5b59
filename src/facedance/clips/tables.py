"""The tables that list clips: those that were cut, and the videos and clips that were not, with the reason."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import sha256
from facedance.layout import VIDEO, folder
from facedance.tables import read_table, write_table
from facedance.video.times import VideoInfo

COLUMNS = [
    "clip", "source", "start_s", "frames", "fps", "width", "height", "dancers",
    "genre", "situation", "camera", "dancer", "music", "choreography",
    "status", "reason",
    "crop_x", "crop_y", "crop_w", "crop_h", "source_width", "source_height", "sha256", "note",
]  # fmt: skip

Row = dict[str, Any]
"""A row by column; what is missing stays empty."""


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as csv, sorted by clip."""
    filled = [[row.get(column, "") for column in COLUMNS] for row in sorted(rows, key=lambda row: str(row["clip"]))]
    write_table(path, pd.DataFrame(filled, columns=COLUMNS, dtype=object))


def unusable_rows(unusable: Mapping[str, str], template: str, prefix: str = "") -> list[Row]:
    """Rows of files in the folder of a template that are no videos: each is named like the file, with the reason."""
    return [
        {"clip": f"{prefix}{file}", "source": f"{folder(template)}/{file}", "status": "rejected", "reason": reason}
        for file, reason in sorted(unusable.items())
    ]


def list_clips(manifests: Sequence[Path], unusable: Mapping[str, str], out: Path) -> None:
    """Merge the rows of several manifests and of files that are no videos, sorted by clip, into `out`."""
    tables = [read_table(manifest) for manifest in manifests]
    others = pd.DataFrame(unusable_rows(unusable, VIDEO), columns=COLUMNS, dtype=object).fillna("")
    table = pd.concat([pd.DataFrame(columns=COLUMNS, dtype=object), *tables, others]).sort_values("clip", kind="stable")
    write_table(out, table)
    counts = table["status"].value_counts()
    logging.getLogger("facedance").info("%d clips, %d rejected", counts.get("accepted", 0), counts.get("rejected", 0))


def note(info: VideoInfo, sound: str, frames: int, most: int) -> str:
    """What is to be told of a clip beside its numbers: what was done to its pictures, and what its sound lacks."""
    short = [f"{frames} of {most} frames, as there is no room for more"] if frames < most else []
    damage = [f"its video {info.damage}"] if info.damage else []
    return "; ".join([*short, *info.told, *damage, *([sound] if sound else [])])


def readable_digest(video: Path) -> tuple[str, str]:
    """A video's digest, or "" and why it cannot be read: a link that leads nowhere, no permission, a broken disk."""
    try:
        return sha256(video), ""
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
