"""The scores as files: one row for each video, and everything that somebody needs to compare them with other tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import write_json
from facedance.tables import write_table
from facedance.yardstick.score import COLUMNS, Scored

DECIMALS = 4
_COUNTS = ("frames", "width", "height")
_WORDS = ("video", "person", "driving", "note", "reason")


def write_tables(folder: Path, scored: Sequence[Scored], made_with: Mapping[str, Any]) -> None:
    """Write scores.csv, and scores.json, which holds `made_with`, the means, the rows and their seconds, to `folder`.

    Numbers have four decimals. A cell is empty, null in JSON, where nothing can be measured.
    """
    table = pd.DataFrame([one.row for one in scored], columns=list(COLUMNS)).astype(dict.fromkeys(_COUNTS, "Int64"))
    write_table(folder / "scores.csv", table, digits=DECIMALS)
    videos = [
        {**_rounded(one.row), "seams": list(one.seams), "seconds": [_rounded(second) for second in one.seconds]} for one in scored
    ]
    write_json(folder / "scores.json", {**made_with, "means": means(scored), "videos": videos})


def means(scored: Sequence[Scored]) -> dict[str, float | None]:
    """Mean of each score over the videos that have it, and how many videos were scored."""
    usable = [one.row for one in scored if not one.row["reason"]]
    found: dict[str, float | None] = {"videos": len(usable)}
    for column in COLUMNS:
        if column in (*_WORDS, *_COUNTS, "fps"):
            continue
        values = [row[column] for row in usable if row[column] is not None]
        found[column] = round(sum(values) / len(values), DECIMALS) if values else None
    return found


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, DECIMALS) if isinstance(value, float) else value for key, value in row.items()}
