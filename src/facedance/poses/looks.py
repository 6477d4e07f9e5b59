"""Two looks at one dancer, at the pictures and at their mirror image: where they agree, a joint is sure.

A landmarker that guesses, because a joint is hidden or because it has taken somebody's arms for a body, guesses otherwise when
left and right are exchanged.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.poses.skeleton import MEDIAPIPE
from facedance.video.pictures import Frame

AGREED = 0.1
"""In torsos: two looks at a joint that is well seen stay below this in 98 of 100 frames of the sample."""

_TORSO = [MEDIAPIPE.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
_SIDES = {"left": "right", "right": "left"}
_OTHER_SIDE = [MEDIAPIPE.index(re.sub("left|right", lambda side: _SIDES[side[0]], name)) for name in MEDIAPIPE]
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_BONES = tuple(
    (MEDIAPIPE.index(f"{side}_{start}"), MEDIAPIPE.index(f"{side}_{end}")) for side in ("left", "right") for start, end in _LIMBS
)

Follow = Callable[[Iterable[Frame], NDArray[np.float32] | None], NDArray[np.float32]]
"""Landmarks (T, 33, 4) of the person in T frames (H, W, 3) who is at `start` (33, 4), NaN where they are not found."""


@dataclass(frozen=True)
class Looks:
    """What two looks make of T frames."""

    joints: NDArray[np.float32]  # (T, 33, 4) x, y, z, visibility; NaN where neither has the dancer
    apart: NDArray[np.float32]  # (T, 33) distance of the two looks in torsos, infinite where only one has the dancer
    seen: NDArray[np.float32]  # (T, 33) visibility by the look that is less sure; the joints' own is less where looks differ


def look_twice(frames: Callable[[], Iterable[Frame]], width: int, start: NDArray[np.float32] | None, follow: Follow) -> Looks:
    """Follow the person at `start` (33, 4) through frames (H, W, 3) of this width, and through their mirror image.

    Args:
        frames: gives them from the first on, as often as it is called.
    """
    there = None if start is None else mirrored(start, width)
    first = follow(frames(), start)
    return join(first, mirrored(follow((frame[:, ::-1] for frame in frames()), there), width))


def mirrored(joints: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Landmarks (..., 33, 4) of a picture of this width as those of its mirror image."""
    swapped = joints[..., _OTHER_SIDE, :]
    swapped[..., 0] = width - swapped[..., 0]
    return swapped


def join(first: NDArray[np.float32], second: NDArray[np.float32]) -> Looks:
    """One sequence of joints from two (T, 33, 4).

    A joint is in the middle where both agree on it. Where they do not it is the one that lies nearer to where it is in the
    frames around, with the more usual length of its bone, and the farther apart they are the less it counts as visible. Where
    only one has the dancer, it is taken as it is.
    """
    one, other = np.isfinite(first[:, 0, 0]), np.isfinite(second[:, 0, 0])
    first, second = np.where(one[:, None, None], first, second), np.where(other[:, None, None], second, first)
    unit = torso(np.concatenate([first, second]))
    distance = np.linalg.norm(first[..., :2] - second[..., :2], axis=-1) / unit
    agreed = (distance <= 2 * AGREED) & (one & other)[:, None]
    joints = (first + second) / 2
    if not agreed.all():
        costs = [_cost(look, joints, agreed) for look in (first, second)]
        chosen = np.where((costs[0] <= costs[1])[..., None], first, second)
        joints = np.where(agreed[..., None], joints, chosen)
    seen = np.minimum(first[..., 3], second[..., 3])
    joints[..., 3] = seen * np.clip(1.5 - 0.25 * distance / AGREED, 0, 1)
    apart = np.where((one & other)[:, None], distance, np.inf)
    apart = np.where((one | other)[:, None], apart, np.nan)
    return Looks(joints.astype(np.float32), apart.astype(np.float32), seen.astype(np.float32))


def torso(joints: NDArray[np.float32]) -> float:
    """Usual distance from mid-shoulders to mid-hips in landmarks (T, 33, >= 2), in their unit; 1 where nobody is seen."""
    corners = joints[:, _TORSO, :2]
    lengths = np.linalg.norm(corners[:, :2].mean(axis=1) - corners[:, 2:].mean(axis=1), axis=-1)
    return max(float(np.nanmedian(lengths)), 1.0) if np.isfinite(lengths).any() else 1.0


def _cost(look: NDArray[np.floating], joints: NDArray[np.floating], agreed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How unlikely each joint (T, 33) of a look is, in pixels, given joints (T, 33, 4) that are right where `agreed`."""
    frames = np.arange(len(look))
    cost = np.zeros(agreed.shape)
    for j in range(look.shape[1]):
        at = frames[agreed[:, j]]
        if len(at):
            expected = np.stack([np.interp(frames, at, joints[at, j, c]) for c in range(2)], axis=-1)
            cost[:, j] += np.linalg.norm(look[:, j, :2] - expected, axis=-1)
    for start, end in _BONES:
        both = agreed[:, start] & agreed[:, end]
        if both.any():
            usual = np.median(np.linalg.norm(joints[both, start, :2] - joints[both, end, :2], axis=-1))
            cost[:, end] += np.abs(np.linalg.norm(look[:, start, :2] - look[:, end, :2], axis=-1) - usual)
    return cost
