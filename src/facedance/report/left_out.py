"""Why a video did not reach the end: one table over all stages."""

from collections.abc import Collection, Mapping, Sequence

from facedance.report.fates import Fate

_MOST_ROWS = 500  # AIST has thousands, and a page must stay light

Row = dict[str, str]
"""The file, its clip, the stage in which it ended, and the reason."""


def left_out(fates: Sequence[Fate], rendered: Collection[str], without: Mapping[str, Collection[str]]) -> list[Row]:
    """A row for each video or clip that a stage rejected, for each that a cast leaves out, and for each that nobody asked for.

    Args:
        rendered: clips that are rendered.
        without: of each cast the clips that are asked for and in which nobody becomes somebody.
    """
    rejected = [_row(fate, fate.stage, fate.reason) for fate in sorted(fates, key=lambda fate: fate.stage) if fate.stage]
    usable = [fate for fate in fates if not fate.stage]
    nobody = [(fate, cast) for fate in usable for cast, clips in without.items() if fate.name in clips]
    asked = {fate.name for fate, _ in nobody}.union(rendered)
    unasked = [fate for fate in usable if fate.name not in asked]
    return [
        *rejected,
        *_some([_row(fate, "render", f"nobody in it becomes somebody in {cast}") for fate, cast in nobody]),
        *_some([_row(fate, "render", "is usable, and nothing in render.batches asks for it") for fate in unasked]),
    ]


def _some(rows: list[Row]) -> list[Row]:
    more = len(rows) - _MOST_ROWS
    return rows if more <= 0 else [*rows[:_MOST_ROWS], {**rows[-1], "file": "", "clip": f"{more} more"}]


def _row(fate: Fate, stage: str, reason: str) -> Row:
    return {"file": fate.file, "clip": fate.name, "stage": stage, "reason": reason}
