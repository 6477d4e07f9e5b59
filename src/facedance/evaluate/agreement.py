"""How far a render, or a part of it, shows what it should: whose face, and which pose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate import distances, pose
from facedance.evaluate.observe import Observation
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE


@dataclass(frozen=True)
class Wanted:
    """What a render of T frames, or one dancer in it, should show."""

    target: NDArray[np.float32] | None  # (S, D) the face in each frame that was searched for one; None of nobody's in particular
    others: NDArray[np.float32]  # (K, D) faces that it must not be taken for
    recognised_distance: float
    driving: NDArray[np.float32] | None  # (T, 17, 3) x, y and visibility of the pose; None where it is not known
    rivals: NDArray[np.float32] | None = None  # (K, S, D) the faces that other dancers should have
    there: NDArray[np.bool_] | None = None  # (T,) frames in which the dancer should be seen; None for all


def faces_of(seen: Observation, wanted: Wanted, start: int, stop: int) -> distances.IdentityScore | None:
    """The face in frames `start` to `stop`; None where none of them was searched for one."""
    part = (seen.scored >= start) & (seen.scored < stop)  # (S,)
    if not part.any():
        return None
    if wanted.target is None:
        found = ~np.isnan(seen.faces[part]).any(axis=1)
        return distances.IdentityScore(float(found.mean()), None, None, None)
    return distances.compare(seen.faces[part], wanted.target[part], wanted.others, wanted.recognised_distance)


def pose_of(seen: Observation, wanted: Wanted, start: int, stop: int) -> pose.PoseScore:
    """The pose in frames `start` to `stop`."""
    if wanted.driving is None:
        return pose.PoseScore(None, None, None)
    if len(wanted.driving) != len(seen.people):
        raise ValueError(f"the render has {len(seen.people)} frames but its driving pose {len(wanted.driving)}")
    found, driving = seen.people[start:stop, COCO_IN_MEDIAPIPE, :2], wanted.driving[start:stop]
    return pose.compare(found, driving[..., :2], driving[..., 2] >= pose.MIN_VISIBILITY)
