"""All scores together: one tidy table, and the figures that `dvc metrics` compares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.files import write_json
from facedance.tables import read_table, write_table

_NAMES = ("identity", "clip", "variant")
_ORDER = (*_NAMES, "dancer")


def summarise(
    shards: Sequence[Path],
    seconds: Sequence[Path],
    accuracy: Path | None,
    *,
    metrics_csv: Path,
    seconds_csv: Path,
    metrics_json: Path,
) -> None:
    """Merge the tables of the shards, sorted by identity, clip, variant and dancer, and write their means.

    `seconds` are the tables by second, which become `seconds_csv`.
    `metrics_json` holds, as `renders.<identity>.<variant>.<metric>`, means over the clips; of several dancers over all of them,
    and as `renders.<identity>.<variant>.dancers.<number>.<metric>` over the clips of each. As
    `pose_extraction.<origin>.<metric>` it holds those of `accuracy` (csv of `pose_accuracy`). A mean of nothing is null.
    """
    table = _read(shards).sort_values(list(_ORDER), kind="stable")
    write_table(metrics_csv, table)
    by_second = _read(seconds).sort_values([*_ORDER, "second"], kind="stable")
    write_table(seconds_csv, by_second)
    renders: dict[str, Any] = {}
    for (identity, variant), rows in table.groupby(["identity", "variant"], sort=True):
        renders.setdefault(str(identity), {})[str(variant)] = _means_of_dancers(rows)
    extraction = {}
    if accuracy is not None:
        for origin, rows in pd.read_csv(accuracy).groupby("origin", sort=True):
            extraction[str(origin)] = {"clips": len(rows), **_means(rows[["pck", "error_px"]])}
    write_json(metrics_json, {"renders": renders, "pose_extraction": extraction})


def _read(shards: Sequence[Path]) -> pd.DataFrame:
    table = pd.concat([read_table(path) for path in shards], ignore_index=True)
    measured = [column for column in table.columns if column not in _NAMES]
    return table.assign(**{column: pd.to_numeric(table[column]) for column in measured})


def _means_of_dancers(rows: pd.DataFrame) -> dict[str, Any]:
    """Means of somebody's renders in one variant, and how many clips there are; of several dancers also each one's."""
    several = rows["dancer"].nunique() > 1
    measured = rows.drop(columns=[*_ORDER, "frames", *([] if several else ["swaps"])])  # one dancer has nobody to swap with
    means: dict[str, Any] = {"clips": rows["clip"].nunique(), **_means(measured)}
    if several:
        own = measured.groupby(rows["dancer"], sort=True)
        means["dancers"] = {str(number): {"clips": len(those), **_means(those)} for number, those in own}
    return means


def _means(rows: pd.DataFrame) -> dict[str, float | None]:
    """Mean of each column over the rows that have it."""
    return {str(name): None if pd.isna(value) else round(float(value), 4) for name, value in rows.mean().items()}
