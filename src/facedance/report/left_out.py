"""Why a video did not reach the end: one table over all stages."""

from collections.abc import Collection, Sequence

from facedance.report.fates import Fate

_MOST_UNASKED = 500  # AIST has thousands, and a page must stay light

Row = dict[str, str]
"""The file, its clip, the stage in which it ended, and the reason."""


def left_out(fates: Sequence[Fate], rendered: Collection[str], asked: Collection[str]) -> list[Row]:
    """A row for each video or clip that is in no render: those that a stage rejected, and those that nobody asked for.

    Args:
        rendered: clips that are rendered.
        asked: clips that a batch asks for; what is not rendered of them has nobody of the batch's cast in it.
    """
    rejected = [_row(fate, fate.stage, fate.reason) for fate in sorted(fates, key=lambda fate: fate.stage) if fate.stage]
    usable = [fate for fate in fates if not fate.stage and fate.name not in rendered]
    reason, nobody = "is usable, and nothing in render.batches asks for it", "has nobody of the cast that is asked for in it"
    unasked = [_row(fate, "render", nobody if fate.name in asked else reason) for fate in usable[:_MOST_UNASKED]]
    if more := len(usable) - len(unasked):
        unasked.append({"file": "", "clip": f"{more} more", "stage": "render", "reason": reason})
    return rejected + unasked


def _row(fate: Fate, stage: str, reason: str) -> Row:
    return {"file": fate.file, "clip": fate.name, "stage": stage, "reason": reason}
