"""The benchmark's tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from facedance.files import atomic
from lab.identity.score import Score

MEASURES = tuple(field.name for field in fields(Score))
SD = "_sd"


@dataclass(frozen=True)
class _Column:
    title: str
    measure: str
    digits: int = 3


_FACES = (
    _Column("detected", "detected"), _Column("distance to self", "to_self"), _Column("to nearest other", "to_nearest_other"),
    _Column("rank-1 of {people}", "rank1"), _Column("pose PCK", "pck"), _Column("flicker", "flicker", 2),
    _Column("second judge rank-1", "judge_rank1"),
)  # fmt: skip
_TWO_PEOPLE = (
    _Column("detected", "detected"), _Column("distance to the first", "to_self"), _Column("to the second", "to_second"),
    _Column("rank-1 of {people}: the first", "rank1"), _Column("the second", "rank1_second"),
)  # fmt: skip
_POSES = (
    _Column("pose PCK", "pck"), _Column("PCK against another clip's pose", "pck_wrong"),
    _Column("PCK in the first third", "pck_first"), _Column("in the last third", "pck_last"),
    _Column("error in the first third, px", "error_first_px", 2), _Column("in the last third, px", "error_last_px", 2),
)  # fmt: skip
_JUDGES = (_Column("same top-1", "judge_same"), _Column("rank correlation of distances", "judge_correlation"))


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """From a row per clip (table, variant, person, seed and `MEASURES`) to one per variant, in the order of the rows.

    Each measure is the mean over people, and then over seeds; `<measure>_sd` is the standard deviation of the seeds' means,
    empty with one seed. What cannot be measured in a clip does not count.
    """
    seeds = rows.groupby(["table", "variant", "seed"], sort=False)[list(MEASURES)].mean()
    by_variant = seeds.groupby(level=["table", "variant"], sort=False)
    counts = rows.groupby(["table", "variant"], sort=False).size().rename("clips")
    return pd.concat([counts, by_variant.mean(), by_variant.std().add_suffix(SD)], axis=1).reset_index()


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write figures with four digits."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


def markdown(summary: pd.DataFrame, people: int, facts: Iterable[str]) -> str:
    """All tables as Markdown, with `facts` as a list above them."""
    single, double = (summary[summary["table"] == name] for name in ("faces", "two people"))
    parts = [
        "# Does a render have the face of the photos?",
        "\n".join(f"- {fact}" for fact in facts),
        _table(single, _FACES, people),
        "## Two people",
        _table(double, _TWO_PEOPLE, people) if len(double) else "Not part of this run.",
        "## Pose, and whether later frames fade",
        _table(single, _POSES, people),
        "## Do both judges agree?",
        _table(single, _JUDGES, people),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: pd.DataFrame, columns: Sequence[_Column], people: int) -> str:
    titles = ["variant", *(column.title.format(people=people) for column in columns)]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for row in rows.to_dict("records"):
        lines.append(_line([row["variant"], *(_cell(row[c.measure], row[c.measure + SD], c.digits) for c in columns)]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(mean: float, deviation: float, digits: int) -> str:
    if pd.isna(mean):
        return "–"
    return f"{mean:.{digits}f}" + ("" if pd.isna(deviation) else f" ± {deviation:.{digits}f}")
