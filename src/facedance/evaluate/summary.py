"""All scores together: one tidy table, and the figures that `dvc metrics` compares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import atomic, write_json

_NAMES = ("identity", "clip", "variant")


def summarise(
    shards: Sequence[Path],
    seconds: Sequence[Path],
    accuracy: Path | None,
    *,
    metrics_csv: Path,
    seconds_csv: Path,
    metrics_json: Path,
) -> None:
    """Merge the tables of the shards, sorted by identity, clip and variant, and write their means.

    `seconds` are the tables by second, which become `seconds_csv`.
    `metrics_json` holds, as `renders.<identity>.<variant>.<metric>`, means over the clips, and as
    `pose_extraction.<origin>.<metric>` those of `accuracy` (csv of `pose_accuracy`); a mean of nothing is null.
    """
    table = _read(shards).sort_values(list(_NAMES), kind="stable")
    with atomic(metrics_csv) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    by_second = _read(seconds).sort_values([*_NAMES, "second"], kind="stable")
    with atomic(seconds_csv) as temporary:
        by_second.to_csv(temporary, index=False, lineterminator="\n")
    renders: dict[str, Any] = {}
    for (identity, variant), rows in table.groupby(["identity", "variant"], sort=True):
        renders.setdefault(str(identity), {})[str(variant)] = _means(rows.drop(columns=[*_NAMES, "frames"]))
    extraction = {}
    if accuracy is not None:
        for origin, rows in pd.read_csv(accuracy).groupby("origin", sort=True):
            extraction[str(origin)] = _means(rows[["pck", "error_px"]])
    write_json(metrics_json, {"renders": renders, "pose_extraction": extraction})


def _read(shards: Sequence[Path]) -> pd.DataFrame:
    # Only empty cells of the measured columns are missing values: an identity may be called `null`.
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in shards]
    table = pd.concat(tables, ignore_index=True)
    measured = [column for column in table.columns if column not in _NAMES]
    return table.assign(**{column: pd.to_numeric(table[column]) for column in measured})


def _means(rows: pd.DataFrame) -> dict[str, float | None]:
    """Mean of each column over the rows that have it, and how many rows there are."""
    means = {str(name): None if pd.isna(value) else round(float(value), 4) for name, value in rows.mean().items()}
    return {"clips": len(rows), **means}
