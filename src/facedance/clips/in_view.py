"""Where the dancer is, or all of a group, and whether there is exactly one, from the body landmarks of a few frames."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.video.pictures import Frame

FindPeople = Callable[[Frame], NDArray[np.floating]]
"""The people in a frame (H, W, 3): landmarks (P, 33, >= 2) of x, y, ... in pixels."""

# BlazePose marks eyes, knuckles and the balls of the feet: crown, finger tips and toes lie up to a fourteenth of the body
# (half a head) beyond.
_BEYOND_LANDMARKS = 0.08

_SIMILAR_HEIGHT = 0.6
_DANCING_HEIGHT = 0.4  # of the tallest: who is smaller stands behind a group
_OFTEN = 0.25  # share of the frames in which so many are seen, for being so many: those who meet hide one another


def body_box(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Box (4,) x0, y0, x1, y1 around a whole body from its landmarks (33, >= 2) of x, y in pixels.

    It is larger than the landmarks' own by 8 % of its longer side in every direction.
    """
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    beyond = _BEYOND_LANDMARKS * (high - low).max()
    return np.concatenate([low - beyond, high + beyond]).astype(np.float64)


def find_dancer(people: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.float64], str]:
    """The dancer's boxes in the frames where somebody is seen, and why the frames cannot be used, or "".

    The dancer is the tallest person of a frame. Several people are one too many when in most of those frames a second one
    is at least 60 % as tall as the first.

    Args:
        people: for each frame (P, 33, >= 2) the landmarks of the people in it.

    Returns:
        (N, 4) x0, y0, x1, y1 in pixels, and the reason.
    """
    boxes, crowded = [], 0
    for frame in people:
        tallest = sorted((body_box(person) for person in frame), key=_height, reverse=True)
        boxes += tallest[:1]
        crowded += len(tallest) > 1 and _height(tallest[1]) >= _SIMILAR_HEIGHT * _height(tallest[0])
    if not boxes:
        return np.zeros((0, 4)), f"shows nobody in {len(people)} sampled frames"
    if crowded > len(boxes) / 2:
        return np.stack(boxes), f"shows several people of similar size in {crowded} of {len(people)} sampled frames"
    return np.stack(boxes), ""


def find_dancers(people: Sequence[NDArray[np.floating]], *, group: bool) -> tuple[NDArray[np.float64], str]:
    """As `find_dancer`; of a group, the boxes around all of its dancers, of whom there may be any number."""
    if not group:
        return find_dancer(people)
    boxes = [_around(dancing) for frame in people if (dancing := _dancing(frame))]
    return (np.stack(boxes), "") if boxes else find_dancer(people)


def count_dancers(people: Sequence[NDArray[np.floating]]) -> int:
    """How many dance at once, from the landmarks (P, 33, >= 2) of the people in each of some frames; 1 at least."""
    counts = np.sort([len(_dancing(frame)) for frame in people if len(frame)])[::-1]
    return int(counts[int(_OFTEN * len(counts))]) if len(counts) else 1


def _dancing(frame: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """The boxes (4,) of those in a frame who are not much smaller than the tallest."""
    boxes = [body_box(person) for person in frame]
    tallest = max((_height(box) for box in boxes), default=0.0)
    return [box for box in boxes if _height(box) >= _DANCING_HEIGHT * tallest]


def _around(boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The box (4,) around boxes."""
    stack = np.stack(boxes)
    return np.concatenate([stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)])


def _height(box: NDArray[np.float64]) -> float:
    return float(box[3] - box[1])
