"""Each of several dancers in a render, followed where the driving pose has them, as a dancer alone is followed.

Looked at frame by frame, a face that is a little blurred is often taken for the back of a head, and left for right.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facedance.evaluate.sight import track_dancer
from facedance.evaluate.whose import Joints, poses_by_dancer, torsos_of
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE, MEDIAPIPE
from facedance.video.pictures import Frame, Frames

BESIDE = 0.2
"""Of a dancer's height: how far beyond their joints they are looked for."""

_STEADY = 3.0  # frames: deviation of the weights by which the window's way is averaged


def followed(frames: Sequence[Frame] | Frames, joints: Joints, fps: int, model: Path) -> NDArray[np.float32]:
    """Landmarks (P, T, 33, 4) of each dancer in T frames (H, W, 3), in their pixels; NaN where they are not seen.

    Args:
        joints: of the driving poses.
        model: of the landmarker.
    """
    tracks, torsos = np.stack([_track(frames, one, fps, model) for one in joints]), torsos_of(joints)
    people = np.full_like(tracks, np.nan)
    for t in range(len(frames)):
        which = poses_by_dancer(tracks[:, t, COCO_IN_MEDIAPIPE, :2], joints[:, t], torsos)
        people[which >= 0, t] = tracks[which[which >= 0], t]
    return people


def windows_around(joints: NDArray[np.floating]) -> NDArray[np.int64]:
    """Windows (T, 4) x0, y0, x1, y1 of one size that go along smoothly with joints (T, 17, 2), of which some are known."""
    known = np.isfinite(joints).all(axis=-1, keepdims=True)
    seen = np.flatnonzero(known.any(axis=(1, 2)))
    low = np.where(known, joints, np.inf).min(axis=1)[seen]
    high = np.where(known, joints, -np.inf).max(axis=1)[seen]
    middles = np.stack([np.interp(np.arange(len(joints)), seen, track) for track in ((low + high) / 2).T], axis=1)
    middles = gaussian_filter1d(middles, _STEADY, axis=0, mode="nearest")
    reach = np.maximum(middles[seen] - low, high - middles[seen]).max(axis=0) + BESIDE * (high - low)[:, 1].max()
    corners = np.floor(middles - reach).astype(np.int64)
    return np.hstack([corners, corners + np.ceil(2 * reach).astype(np.int64)])


def _track(frames: Sequence[Frame] | Frames, joints: NDArray[np.floating], fps: int, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of whoever is seen best around joints (T, 17, 2)."""
    if not np.isfinite(joints).all(axis=-1).any():
        return np.full((len(frames), len(MEDIAPIPE), 4), np.nan, np.float32)
    windows = windows_around(joints)
    cuts = (_cut(frame, window) for frame, window in zip(frames, windows, strict=True))
    track = np.stack([person for _, person in track_dancer(cuts, fps, model)])
    track[..., :2] += windows[:, None, :2]
    return track


def _cut(frame: Frame, window: NDArray[np.int64]) -> Frame:
    """What a window shows of a frame (H, W, 3), black beyond its edges."""
    x0, y0, x1, y1 = window
    part: Frame = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
    left, top = max(x0, 0), max(y0, 0)
    inside = frame[top : max(y1, 0), left : max(x1, 0)]
    part[top - y0 :, left - x0 :][: inside.shape[0], : inside.shape[1]] = inside
    return part
