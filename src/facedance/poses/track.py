"""Following one dancer through a clip."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.poses.landmarker import Landmarker
from facedance.video.pictures import Frame

_PERSON_MARGIN = 0.25
_AROUND = 10  # looks before and after one: all of a clip of 81 frames, and as much of a dance that crosses the stage
_LOOK_MARGIN = 0.5  # of the dancer's height: so far they may be from where the detector has seen them


@dataclass(frozen=True)
class Sightings:
    """Where the person detector sees the dancer in some frames of a clip."""

    frames: NDArray[np.int64]  # (N,)
    dancer: NDArray[np.float32]  # (N, 33, 4), NaN where it sees nobody

    @property
    def first(self) -> NDArray[np.float32] | None:
        """Landmarks (33, 4) of the dancer where they are seen first."""
        return next((person for person in self.dancer if np.isfinite(person[0, 0])), None)

    def window(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The part x0, y0, x1, y1 of pictures of this size in which the dancer can be; all of it where they are never seen."""
        if self.first is None:
            return 0, 0, width, height
        low, high = np.nanmin(self.dancer[..., :2], axis=(0, 1)), np.nanmax(self.dancer[..., :2], axis=(0, 1))
        return _surroundings(np.concatenate([low, high]), float(np.nanmax(np.ptp(self.dancer[..., 1], axis=1))), width, height)


def sight(frames: Sequence[Frame], finder: Landmarker, every: int) -> Sightings:
    """Look for the dancer in one of `every` frames (H, W, 3), each by itself.

    A clip is cropped for the tallest person (`facedance.clips.in_view`), so the dancer is whoever is nearest in place and size
    to the middle one of the tallest around that time. Where nobody is seen, the detector looks again at the surroundings of
    that place: it sees small people better there.
    """
    at = range(0, len(frames), every)
    people = [finder.detect(frames[i]) for i in at]
    boxes = {k: np.concatenate(_box(max(found, key=_height))) for k, found in enumerate(people) if len(found)}
    dancer = np.full((len(at), 33, 4), np.nan, np.float32)
    for k, found in enumerate(people) if boxes else ():
        near = [box for j, box in boxes.items() if abs(j - k) <= _AROUND]
        usual = np.median(near or list(boxes.values()), axis=0)
        if len(those := found if len(found) else _seen_near(frames[at[k]], usual, finder)):
            dancer[k] = min(those, key=_off(usual))
    return Sightings(np.array(at), dancer)


def follow(
    frames: Iterable[Frame],
    fps: float,
    tracker: Landmarker,
    finder: Landmarker,
    start: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of one person in T frames (H, W, 3), NaN in frames where they are not found.

    It is the person at `start`, else the one with the largest extent in the first frame in which anybody is seen. From then
    on the tracker looks near where it saw them last. When it loses them, it goes on with whoever is found in that place,
    else with the person who is nearest to it.

    Args:
        tracker: a fresh landmarker in video mode for one person; it keeps a state, so each clip needs its own.
        finder: a landmarker in image mode for several people, asked only where the tracker has nobody.
        start: landmarks (33, 4) of the person to begin with, in the first frame or near it.
    """
    path = []
    nobody = np.full((33, 4), np.nan, np.float32)
    last = start  # the landmarks (33, 4) seen last
    tracking = False
    for i, frame in enumerate(frames):
        view = frame if tracking else _view_of_dancer(frame, last, finder)
        found = tracker.detect(view, round(i * 1000 / fps))
        tracking = len(found) > 0
        last = found[0] if tracking else last
        path.append(found[0] if tracking else nobody)
    return np.array(path, np.float32).reshape(-1, 33, 4)


def _view_of_dancer(frame: NDArray[np.uint8], last: NDArray[np.float32] | None, finder: Landmarker) -> NDArray[np.uint8]:
    """What to show a tracker that has nobody. It takes whom its detector is surest of, so others are blackened."""
    if last is not None and len(finder.detect(surroundings := _only(frame, last))):
        return surroundings
    people = finder.detect(frame)
    if len(people) < 2:
        return frame
    return _only(frame, max(people, key=_extent) if last is None else min(people, key=_distance_from(last)))


def _seen_near(frame: NDArray[np.uint8], box: NDArray[np.floating], finder: Landmarker) -> NDArray[np.float32]:
    """The people (P, 33, 4) in the surroundings of a box (4,) x0, y0, x1, y1 of a frame (H, W, 3)."""
    x0, y0, x1, y1 = _surroundings(box, float(box[3] - box[1]), frame.shape[1], frame.shape[0])
    return finder.detect(frame[y0:y1, x0:x1]) + np.array([x0, y0, 0, 0], np.float32)


def _surroundings(box: NDArray[np.floating], tall: float, width: int, height: int) -> tuple[int, int, int, int]:
    """A box (4,) widened by a share of the dancer's height, in whole pixels of a picture of this size."""
    margin = _LOOK_MARGIN * tall
    x0, y0 = (int(np.clip(box[k] - margin, 0, size - 2)) for k, size in enumerate((width, height)))
    x1, y1 = (int(np.clip(box[2 + k] + margin, 2, size)) for k, size in enumerate((width, height)))
    return x0, y0, max(x1, x0 + 2), max(y1, y0 + 2)


def _box(person: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest x, y (2,) of landmarks (33, 4)."""
    return person[:, :2].min(axis=0), person[:, :2].max(axis=0)


def _height(person: NDArray[np.float32]) -> float:
    return float(np.ptp(person[:, 1]))


def _extent(person: NDArray[np.float32]) -> float:
    """Area in square pixels of the box around landmarks (33, 4)."""
    low, high = _box(person)
    return float(np.prod(high - low))


def _off(usual: NDArray[np.floating]) -> Callable[[NDArray[np.float32]], float]:
    """By how much the edges of somebody's box differ from a usual one (4,)."""
    return lambda person: float(np.abs(np.concatenate(_box(person)) - usual).sum())


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
