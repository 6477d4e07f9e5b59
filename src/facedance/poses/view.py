"""Larger copies of clips, in which poses are found: what a small model's clip has lost of the dancer, the video still had."""

from pathlib import Path

_SIDE = 480
"""Pixels of a view's shorter side, where the video has them: the landmarker looks at a dancer with 256 x 256."""

_LARGER = 1.25
"""A view that would be less than so much larger than its clip is not kept."""


def view_file(clip: Path) -> Path:
    """Where the larger copy of a clip lies, if it has one."""
    return clip.parent / ".views" / clip.name


def view_size(window: tuple[int, int, int, int], clip_size: tuple[int, int]) -> tuple[int, int] | None:
    """Width and height of the larger copy of a clip; None where the clip itself will do.

    `window`: x, y, width and height of what the clip shows, in pixels of its video.
    """
    larger = min(*window[2:], _SIDE) / min(clip_size)
    if larger < _LARGER:
        return None
    return 2 * round(larger * clip_size[0] / 2), 2 * round(larger * clip_size[1] / 2)
