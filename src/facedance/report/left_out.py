"""Why a video did not reach the end: one table over all stages."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

_MOST_UNASKED = 500  # AIST has thousands, and a page must stay light

Row = dict[str, str]
"""The file, its clip, the stage in which it ended, and the reason."""


def left_out(clips: Path, poses: Sequence[Path], rendered: Collection[str]) -> list[Row]:
    """A row for each video or clip that is in no render: those that a stage rejected, and those that nobody asked for.

    Args:
        clips: csv of all clips.
        poses: csv files of the clips whose poses were extracted, and of ready-made control videos.
        rendered: clips that are rendered.
    """
    cut, posed = _rows([clips]), _rows(poses)
    files = {row["clip"]: row.get("source", "") for row in (*cut, *posed) if row.get("source")}
    rejected = [
        {"file": files.get(row["clip"], ""), "clip": row["clip"], "stage": stage, "reason": row["reason"]}
        for stage, rows in (("clips", cut), ("poses", posed))
        for row in rows
        if row["status"] == "rejected"
    ]
    usable = [row["clip"] for row in posed if row["status"] == "accepted" and row["clip"] not in rendered]
    reason = "is usable, and nothing in render.batches asks for it"
    unasked = [
        {"file": files.get(clip, ""), "clip": clip, "stage": "render", "reason": reason} for clip in usable[:_MOST_UNASKED]
    ]
    if more := len(usable) - len(unasked):
        unasked.append({"file": "", "clip": f"{more} more", "stage": "render", "reason": reason})
    return rejected + unasked


def _rows(paths: Iterable[Path]) -> list[Row]:
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") for path in sorted(paths)]
    return [{str(key): value for key, value in row.items()} for table in tables for row in table]
