"""A crop that follows a dancer who crosses the picture: a window of one size on a smooth path.

The path is the one of least cost, as in Grundmann et al. 2011 (Auto-Directed Video Stabilization with Robust L1 Optimal Camera
Paths): the window stands still, moves evenly or speeds up evenly, so that it looks like a camera on a tripod or on rails.
"""

from collections.abc import Sequence

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from scipy import sparse

from facedance.config.sections import Size
from facedance.video.window_path import Window, WindowPath

EVERY_S = 0.25
"""How often the dancer is looked for."""

_FASTEST = 1.0  # heights of the window that it moves in a second at most
_STILL, _EVEN, _SMOOTH = 10.0, 1.0, 100.0  # cost of a pixel of speed, of its change, and of the change of that: Grundmann's
_MIDDLE = 2.0  # cost of a pixel that the dancer is off the middle, each time that they are looked for
_OUTSIDE = 1000.0  # and of a pixel of them that is not seen


def camera_path(
    at: Sequence[int], boxes: NDArray[np.floating], frames: int, fps: float, window: Window, source_size: Size
) -> WindowPath:
    """The path of a window that keeps the dancer in view, inside the picture where it has room there.

    Args:
        at: the K frames in which the dancer was looked for and seen, ascending.
        boxes: (K, 4) x0, y0, x1, y1 of the dancer there, in pixels of the video.
        frames: of the clip.
        window: of which width and height are taken.
    """
    fastest = _FASTEST * window[3] / fps
    axes = [
        _path(np.asarray(at), boxes[:, [axis, 2 + axis]], frames, (window[2 + axis], source_size[axis]), fastest)
        for axis in (0, 1)
    ]
    return np.rint(np.stack(axes, 1).round(3)).astype(np.int64)  # a half that is not exact would shake the picture


def _path(
    at: NDArray[np.integer], spans: NDArray[np.floating], frames: int, room: tuple[int, int], fastest: float
) -> NDArray[np.float64]:
    """Where a window begins along one axis in each frame, (frames,).

    Args:
        spans: (K, 2) from where to where the dancer is.
        room: length of the window, and of the picture.
        fastest: pixels from frame to frame.
    """
    length, available = room
    if length >= available:
        return np.full(frames, (available - length) // 2)
    looks, positions = len(at), sparse.eye(frames, format="csr")
    seen = positions[at]
    middle = spans.mean(axis=1) - length / 2
    speed, change, jerk = (_differences(frames, order) for order in (1, 2, 3))
    # Each absolute value is a variable that is at least the value and at least its negative; so is what is not seen.
    costs = [
        (_STILL, speed, np.zeros(speed.shape[0])),
        (_EVEN, change, np.zeros(change.shape[0])),
        (_SMOOTH, jerk, np.zeros(jerk.shape[0])),
        (_MIDDLE, seen, middle),
    ]
    sizes = [matrix.shape[0] for _, matrix, _ in costs] + [looks]
    rows, limits = [], []
    for i, (_, matrix, target) in enumerate(costs):
        for sign in (1, -1):
            rows.append([sign * matrix, *_slack(sizes, i, sizes[i])])
            limits.append(sign * target)
    for sign, edge in ((1, spans[:, 0]), (-1, length - spans[:, 1])):  # begins before the dancer does, and ends after
        rows.append([sign * seen, *_slack(sizes, len(costs), looks)])
        limits.append(edge)
    for sign in (1, -1):
        rows.append([sign * speed, *_slack(sizes, -1, speed.shape[0])])
        limits.append(np.full(speed.shape[0], fastest))
    weights = np.concatenate([np.zeros(frames), *(np.full(n, c[0]) for n, c in zip(sizes, costs, strict=False))])
    found = scipy.optimize.linprog(
        np.concatenate([weights, np.full(looks, _OUTSIDE)]),
        A_ub=sparse.vstack([sparse.hstack(row) for row in rows]),
        b_ub=np.concatenate(limits),
        bounds=[(0, available - length)] * frames + [(0, None)] * sum(sizes),
        method="highs",
    )
    path: NDArray[np.float64] = found.x[:frames]
    return path


def _differences(frames: int, order: int) -> sparse.csr_matrix:
    """The matrix of differences of this order, (frames - order, frames)."""
    matrix = sparse.eye(frames, format="csr")
    for _ in range(order):
        matrix = matrix[1:] - matrix[:-1]
    return matrix


def _slack(sizes: Sequence[int], own: int, rows: int) -> list[sparse.csr_matrix]:
    """The columns of all slack variables in so many rows: those of kind `own` take off one each."""
    return [-sparse.eye(n, format="csr") if i == own else sparse.csr_matrix((rows, n)) for i, n in enumerate(sizes)]
