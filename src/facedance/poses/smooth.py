"""Joints over time: gaps closed, jitter filtered."""

import math

import numpy as np
from numpy.typing import NDArray


def fill_gaps(joints: NDArray[np.float32], max_gap_frames: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Close gaps of at most `max_gap_frames` frames by linear interpolation over time.

    A gap is a run of frames in which a joint is NaN. At the ends of the clip the nearest known frame is held.

    Args:
        joints: (T, J, C); a joint that is not known in a frame is NaN there in x.

    Returns:
        The joints (T, J, C) and which of them are interpolated (T, J).
    """
    filled = joints.copy()
    known = ~np.isnan(joints[..., 0])  # (T, J)
    frames = np.arange(len(joints))
    for j in range(joints.shape[1]):
        if not known[:, j].any():
            continue
        short = _short_gaps(known[:, j], max_gap_frames)
        at = frames[known[:, j]]
        for c in range(joints.shape[2]):
            filled[short, j, c] = np.interp(frames[short], at, joints[at, j, c])
    return filled, ~known & ~np.isnan(filled[..., 0])


def gone_on(points: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Points (T, ...) of which those of unseen frames (T,) lie between those of the seen ones around them."""
    frames, flat = np.arange(len(points)), points.reshape(len(points), -1)
    tracks = [np.interp(frames, frames[seen], track[seen]) for track in flat.T]
    return np.stack(tracks, 1).reshape(points.shape)


def _short_gaps(known: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Frames (T,) in runs of unknown frames no longer than `longest`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]])))
    short = np.zeros_like(known)
    for start, end in edges.reshape(-1, 2):
        short[start:end] = end - start <= longest
    return short


def one_euro(
    points: NDArray[np.float32], fps: float, unit: float, *, min_cutoff: float = 4.0, beta: float = 50.0
) -> NDArray[np.float32]:
    """The 1 € filter (Casiez, Roussel and Vogel, CHI 2012): stills what moves slowly and follows what moves fast.

    Args:
        points: (T, ...) of which each entry is filtered over time by itself; NaN starts the filter anew.
        unit: length in which speed is measured, such as the height of the picture.
        min_cutoff: cutoff frequency in Hz of what stands still.
        beta: Hz by which the cutoff rises with each unit per second of speed.
    """
    out = points.copy()
    speed = np.zeros_like(points[0])
    for t in range(1, len(points)):
        before, now = out[t - 1], points[t]
        fresh = np.isnan(before)
        change = np.where(fresh | np.isnan(now), 0.0, (now - before) * fps)
        speed += _weight(_SPEED_CUTOFF, fps) * (change - speed)
        weight = _weight(min_cutoff + beta * np.abs(speed) / unit, fps)
        out[t] = np.where(fresh, now, before + weight * (now - before))
    return out


_SPEED_CUTOFF = 1.0  # Hz, as in the paper


def _weight(cutoff: "float | NDArray[np.float32]", fps: float) -> "float | NDArray[np.float32]":
    """Weight of the new value in exponential smoothing with a cutoff frequency in Hz."""
    ratio = 2 * math.pi * cutoff / fps
    return ratio / (ratio + 1)
