"""Whether there is anything to render, before hours are spent on training."""

from collections.abc import Sequence
from pathlib import Path

from facedance.job import InputError, first_few
from facedance.tables import read_rows


def require_clips(table: Path, controls: bool) -> None:
    """Refuse to go on when no video of a table of clips (csv: clip, source, status, reason) can be used.

    Args:
        controls: whether there are ready-made control videos, with which no clip is needed.

    Raises:
        InputError: there are videos, and all of them were rejected.
    """
    rows = read_rows(table)
    if rows and not controls and not any(row["status"] == "accepted" for row in rows):
        reasons: dict[str, str] = {}  # of a video's clips the first
        for row in rows:
            reasons.setdefault(row["source"], f"{row['source']} {row['reason']}")
        said = first_few(list(reasons.values()))
        raise InputError(f"no video can be used, so nothing could be rendered: {said}; put others into data/videos")


def require_poses(manifests: Sequence[Path]) -> None:
    """Refuse to go on when no clip and no control video of any manifest (csv: clip, status, reason) can be used.

    Raises:
        InputError: there are some, and all of them were rejected.
    """
    rows = [row for path in manifests for row in read_rows(path)]
    if rows and not any(row["status"] == "accepted" for row in rows):
        said = [f"{row['clip']}: {row['reason']}" for row in rows]
        raise InputError(f"no dance can be followed, so nothing could be rendered: {first_few(said)}")
