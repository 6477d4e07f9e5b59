"""Following one dancer through a clip."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facedance.poses.landmarker import Landmarker

_PERSON_MARGIN = 0.25


def follow(frames: NDArray[np.uint8], fps: float, tracker: Landmarker, finder: Landmarker) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of one person in frames (T, H, W, 3), NaN in frames where they are not found.

    It is the person with the largest extent in the first frame in which anybody is seen. From then on the tracker looks near
    where it saw them last. When it loses them, it goes on with whoever is found in that place, else with the person who
    is nearest to it.

    Args:
        tracker: a fresh landmarker in video mode for one person; it keeps a state, so each clip needs its own.
        finder: a landmarker in image mode for several people, asked only where the tracker has nobody.
    """
    path = np.full((len(frames), 33, 4), np.nan, np.float32)
    last: NDArray[np.float32] | None = None  # the landmarks (33, 4) seen last
    tracking = False
    for i, frame in enumerate(frames):
        view = frame if tracking else _view_of_dancer(frame, last, finder)
        found = tracker.detect(view, round(i * 1000 / fps))
        tracking = len(found) > 0
        if tracking:
            path[i] = last = found[0]
    return path


def _view_of_dancer(frame: NDArray[np.uint8], last: NDArray[np.float32] | None, finder: Landmarker) -> NDArray[np.uint8]:
    """What to show a tracker that has nobody. It takes whom its detector is surest of, so others are blackened."""
    if last is not None and len(finder.detect(surroundings := _only(frame, last))):
        return surroundings
    people = finder.detect(frame)
    if len(people) < 2:
        return frame
    return _only(frame, max(people, key=_extent) if last is None else min(people, key=_distance_from(last)))


def _box(person: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest x, y (2,) of landmarks (33, 4)."""
    return person[:, :2].min(axis=0), person[:, :2].max(axis=0)


def _extent(person: NDArray[np.float32]) -> float:
    """Area in square pixels of the box around landmarks (33, 4)."""
    low, high = _box(person)
    return float(np.prod(high - low))


def _distance_from(last: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], float]:
    return lambda person: float(np.linalg.norm(np.subtract(sum(_box(person)), sum(_box(last)))))


def _only(frame: NDArray[np.uint8], person: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame with everything black but the surroundings of a person."""
    low, high = _box(person)
    margin = _PERSON_MARGIN * (high - low).max()
    size = frame.shape[1::-1]
    x0, y0 = np.clip(np.floor(low - margin), 0, size).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin), 0, size).astype(int)
    alone = np.zeros_like(frame)
    alone[y0:y1, x0:x1] = frame[y0:y1, x0:x1]
    return alone
