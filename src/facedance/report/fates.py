"""What became of each video, clip and ready-made control video in the stages that can leave one out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facedance.tables import read_rows


@dataclass(frozen=True)
class Fate:
    """A clip, a ready-made control video, or a video that gave no clip."""

    name: str
    file: str  # of the video that it comes from
    stage: str  # that left it out: clips or poses; empty: it can be rendered
    reason: str  # why
    note: str = ""  # what is to be told of it beside that
    tracked_rate: float | None = None  # of its frames, in how many the dancer was followed
    cut_px: int | None = None  # height in the source of what the clip shows; None for a control video
    size: tuple[int, int] | None = None  # width and height of the clip or control video; None where there is none
    dancers: int = 1  # who are followed
    surety: float = 1.0  # share of the frames in which it is beyond doubt which of them is who


def read_fates(clips: Path, poses: Sequence[Path]) -> list[Fate]:
    """All of them: those of the clips' table in its order, then the control videos.

    Args:
        clips: csv of all clips.
        poses: csv files of the clips whose poses were extracted, and of ready-made control videos.
    """
    followed = {row["clip"]: row for path in sorted(poses) for row in read_rows(path)}
    fates = [_fate(row, followed.pop(row["clip"], {})) for row in read_rows(clips)]
    return fates + [_fate({}, row) for row in followed.values()]


def _fate(clip: dict[str, str], pose: dict[str, str]) -> Fate:
    """Of the rows in the tables of clips and poses, of which one may be empty."""
    first = clip or pose
    stages = (("clips", clip), ("poses", pose))
    stage, row = next(((stage, row) for stage, row in stages if row.get("status") == "rejected"), ("", {"reason": ""}))
    return Fate(
        name=first["clip"],
        file=first.get("source", ""),
        stage=stage,
        reason=row["reason"],
        note=first.get("note", ""),
        tracked_rate=float(pose["tracked_rate"]) if pose.get("tracked_rate") else None,
        cut_px=int(clip["crop_h"]) if clip.get("crop_h") else None,
        size=(int(first["width"]), int(first["height"])) if first.get("width") else None,
        dancers=int(pose.get("dancers") or 1),
        surety=float(pose.get("surety") or 1),
    )
