"""The joints of everybody who dances in a clip, each with a number that they keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Poses
from facedance.poses.assign import Seen
from facedance.poses.crowd import sight_everybody
from facedance.poses.identities import who_is_who
from facedance.poses.landmarker import Landmarker
from facedance.poses.looks import Looks, join
from facedance.poses.plausible import implausible
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.track import Sightings
from facedance.video.pictures import Frame

_APART = 0.15
"""Share that the boxes of two people have in common, of the smaller one, from which one may hide a part of the other."""


@dataclass(frozen=True)
class Group:
    """P dancers in T frames, numbered from left to right in the first frame."""

    joints: NDArray[np.float32]  # (P, T, 33, 4) x, y, z, visibility; NaN where a dancer is not seen
    surety: float  # share of the frames in which it is beyond doubt who is who
    doubt: str  # why one of them cannot be a dancer, or ""

    @property
    def tracked(self) -> tuple[int, int]:
        """In how many frames dancers are seen, of those from where each is seen first to where they are seen last."""
        seen = np.isfinite(self.joints[:, :, 0, 0])
        if not seen.any():
            return 0, seen.shape[1]
        there = [np.flatnonzero(row) for row in seen]
        return int(seen.sum()), sum(int(at[-1] - at[0]) + 1 for at in there)


def find_group(frames: Sequence[Frame], size: tuple[int, int], finder: Landmarker, params: Poses) -> Group:
    """Everybody who dances in frames (H, W, 3) of this width and height, which are looked at one by one.

    Args:
        finder: a landmarker in image mode for `facedance.poses.crowd.MOST`.
    """
    clip = sight_everybody(frames, finder)
    who = who_is_who(clip)
    first, second = _tracks(clip, who.which)
    if not len(first):
        return Group(first, 0.0, "nobody is seen long enough to be followed")
    joints = [join(one, other) for one, other in zip(first, second, strict=True)]
    together = np.stack([looks.joints for looks in joints])
    doubts = (
        f"dancer {number}: {doubt}"
        for number, (looks, hidden) in enumerate(zip(joints, meeting(together), strict=True), 1)
        if (doubt := _doubt(looks, hidden, size, params))
    )
    return Group(together.astype(np.float32), who.surety, next(doubts, ""))


def _doubt(looks: Looks, hidden: NDArray[np.bool_], size: tuple[int, int], params: Poses) -> str:
    """Why the looks cannot be at a dancer, or ""; frames (T,) in which another may hide this one tell nothing."""
    alone = replace(
        looks,
        joints=np.where(hidden[:, None, None], np.float32(np.nan), looks.joints),
        apart=np.where(hidden[:, None], np.float32(np.nan), looks.apart),
    )
    at = np.flatnonzero(np.isfinite(alone.joints[:, 0, 0]))
    return implausible(alone, Sightings(at, alone.joints[at]), size, params)


def meeting(joints: NDArray[np.floating]) -> NDArray[np.bool_]:
    """In which frames somebody of (P, T, J, >= 2) overlaps with another, (P, T)."""
    low, high = joints[..., :2].min(axis=2), joints[..., :2].max(axis=2)  # (P, T, 2)
    area = np.prod(high - low, axis=-1)
    meet = np.zeros(joints.shape[:2], np.bool_)
    for i in range(len(joints)):
        for j in range(len(joints)):
            if i != j:
                common = np.prod(np.maximum(np.minimum(high[i], high[j]) - np.maximum(low[i], low[j]), 0), axis=-1)
                meet[i] |= common > _APART * np.minimum(area[i], area[j])
    return meet


def _tracks(clip: Sequence[Seen], which: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Landmarks (P, T, 33, 4) of each dancer by either look."""
    first, second = (np.full((*which.shape, len(MEDIAPIPE), 4), np.nan, np.float32) for _ in range(2))
    for i, t in zip(*np.nonzero(which >= 0), strict=True):
        first[i, t], second[i, t] = clip[t].people[which[i, t]], clip[t].mirror[which[i, t]]
    return first, second
