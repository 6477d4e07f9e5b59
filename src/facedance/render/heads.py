"""Where a dancer's head is, and a square window that follows it smoothly, from the landmarks of the driving dance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, percentile_filter

from facedance.poses.skeleton import OPENPOSE
from facedance.poses.smooth import gone_on

WINDOW = 2.2
"""Side of the window, in heights of the head."""

_FACE = [OPENPOSE.index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
_NECK = OPENPOSE.index("neck")
_HEIGHT = 2.0
"""Height of a head with its hair, in the largest distance between two points of the face.

From ear to ear, or in profile from ear to nose, is much the same: some 14.5 of 25 cm in people, which makes 1.7, and 2.1 to 2.3
in the sample's drawn ones, whose ears MediaPipe sees nearer to each other."""
_ABOVE = 0.08  # of the head's height: from the middle of the face's points to that of the head
_REGION = (1.0, 1.3)  # across and along the head, in heights of the head: what is made anew
_LATELY, _USUAL = 33, 90  # frames, and percentile over them: a head that turns is not smaller
_STEADY = (8.0, 3.0, 1.0)  # frames: deviation of the weights by which sizes, the window's way and the head's are averaged

Boxes = NDArray[np.float64]
"""(T, 4) x0, y0, x1, y1 in pixels."""


@dataclass(frozen=True)
class HeadPath:
    """A head in each of T frames."""

    windows: Boxes  # squares inside the frame
    regions: Boxes  # around the head, inside the windows; of no size where it is out of the picture


def follow_head(joints: NDArray[np.floating], size: tuple[int, int]) -> HeadPath | None:
    """The way of a head; None where it is never seen.

    Args:
        joints: (T, 18, 2) OpenPose's, in pixels of frames of this width and height; NaN where unseen. Where a point of the face
            or the neck is unseen, the head is taken to be on its way from where it was to where it will be.
    """
    face, neck = joints[:, _FACE].astype(np.float64), joints[:, _NECK].astype(np.float64)  # (T, 5, 2), (T, 2)
    missing = ~np.isfinite(np.concatenate([face, neck[:, None]], axis=1))  # (T, 6, 2)
    seen: NDArray[np.bool_] = missing.sum(axis=(1, 2)) == 0
    if not seen.any():
        return None
    face, neck = (gone_on(points, seen) for points in (face, neck))
    spans = np.linalg.norm(face[:, :, None] - face[:, None], axis=-1).max((1, 2))  # (T,)
    tall = _averaged(percentile_filter(_HEIGHT * spans, _USUAL, _LATELY, mode="nearest"), _STEADY[0])
    up = face.mean(1) - neck
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-6)
    middles = face.mean(1) + _ABOVE * tall[:, None] * up
    whole = np.array(size, np.float64)
    halves = (np.minimum(WINDOW * tall, whole.min()) / 2)[:, None]
    # Averaged once it is inside, so that the window stops softly at the frame's edge.
    centres = np.clip(_averaged(np.clip(middles, halves, whole - halves), _STEADY[1]), halves, whole - halves)
    windows = np.hstack([centres - halves, centres + halves])
    across, along = (share / 2 * tall[:, None] for share in _REGION)
    # The vertical part of `up` is what of its length lies along y, and of its breadth along x: a head may lie, too.
    reach = _averaged(across * np.abs(up[:, ::-1]) + along * np.abs(up), _STEADY[1])  # (T, 2)
    centres = _averaged(middles, _STEADY[2])
    regions = np.hstack([centres - reach, centres + reach])
    return HeadPath(windows, np.clip(regions, np.tile(windows[:, :2], 2), np.tile(windows[:, 2:], 2)))


def _averaged(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    smooth: NDArray[np.float64] = gaussian_filter1d(values, deviation, axis=0, mode="nearest")
    return smooth
