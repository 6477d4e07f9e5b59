"""Which dancer is it? Faces and poses that are found in a frame, by where the driving poses have the dancers.

Each is given to the dancer whose place it is nearest to, all at the least cost together (Kuhn's Hungarian method, in SciPy); what
is too far from all places is nobody's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from facedance.evaluate.pose import torso_size
from facedance.poses.skeleton import COCO

FACE_REACH = 1.0
"""Distance of a face from the middle of a dancer's head, in necks (from there to mid-shoulders), up to which it can be theirs."""

POSE_REACH = 1.0
"""Mean distance of joints from a dancer's, in torsos, up to which a pose can be theirs."""

COVERED = 0.5
"""In necks: of two heads that are nearer to each other one may cover the other."""

_HEAD = [COCO.index(name) for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
_SHOULDERS = [COCO.index(f"{side}_shoulder") for side in ("left", "right")]

Joints = NDArray[np.floating]
"""(P, T, 17, 2) COCO's joints of P dancers in T frames, in pixels; NaN where they are not known."""


@dataclass(frozen=True)
class Heads:
    """Where the heads of P dancers should be in T frames."""

    centres: NDArray[np.float64]  # (P, T, 2) in pixels; NaN where it is not known
    necks: NDArray[np.float64]  # (P,) usual distance from there to mid-shoulders, in pixels; NaN of who is never seen


def heads_of(joints: Joints) -> Heads:
    """The heads of dancers."""
    centres, shoulders = _middle(joints[:, :, _HEAD]), _middle(joints[:, :, _SHOULDERS])
    return Heads(centres, _usual(np.linalg.norm(centres - shoulders, axis=-1)))


def torsos_of(joints: Joints) -> NDArray[np.float64]:
    """Usual torso (P,) of dancers in pixels; NaN of who is never seen."""
    return _usual(np.stack([torso_size(one) for one in joints]))


def in_view(heads: Heads, size: tuple[int, int]) -> NDArray[np.bool_]:
    """In which frames (P, T) a head is to be seen in pictures of this width and height: in the picture, and not where another may
    cover it."""
    view = np.asarray(((heads.centres >= 0) & (heads.centres < size)).all(axis=-1))  # False of NaN
    for i, here in enumerate(heads.centres):
        for j, there in enumerate(heads.centres):
            if i != j:
                near = COVERED * max(heads.necks[i], heads.necks[j])
                view[i] &= ~(np.linalg.norm(here - there, axis=-1) < near)
    return view


def faces_by_dancer(faces: NDArray[np.floating], heads: NDArray[np.floating], necks: NDArray[np.floating]) -> NDArray[np.int64]:
    """Which of the faces in a frame is each dancer's: (P,), -1 for none.

    Args:
        faces: (F, 2) middles of the faces found.
        heads: (P, 2) middles of the dancers' heads; NaN where it is not known.
        necks: (P,) as in `Heads`.
    """
    away = np.linalg.norm(heads[:, None] - faces.reshape(1, -1, 2), axis=-1)  # (P, F)
    return _nearest(away / (FACE_REACH * necks[:, None]))


def poses_by_dancer(found: NDArray[np.floating], wanted: NDArray[np.floating], torsos: NDArray[np.floating]) -> NDArray[np.int64]:
    """Which of the poses in a frame is each dancer's: (P,), -1 for none.

    Args:
        found: (Q, 17, 2) joints found.
        wanted: (P, 17, 2) joints of the driving poses; NaN where they do not count.
        torsos: (P,) as from `torsos_of`.
    """
    away = np.linalg.norm(wanted[:, None] - found.reshape(1, -1, len(COCO), 2), axis=-1)  # (P, Q, 17)
    known = np.isfinite(away)
    mean = np.where(known, away, 0).sum(axis=-1) / np.where(known.any(axis=-1), known.sum(axis=-1), np.nan)
    return _nearest(mean / (POSE_REACH * torsos[:, None]))


def _nearest(costs: NDArray[np.floating]) -> NDArray[np.int64]:
    """The column of each row (P,) at the least cost in all, of costs (P, N); to be without one, -1, costs 1."""
    people, things = costs.shape
    possible = np.where(costs <= 1, costs, 2.0 + people)  # dearer than leaving everybody without
    rows, columns = linear_sum_assignment(np.concatenate([possible, np.ones((people, people))], axis=1))
    which = np.full(people, -1, np.int64)
    which[rows] = np.where(columns < things, columns, -1)
    return which


def _middle(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean (..., 2) of those of joints (..., K, 2) that are known; NaN where none is."""
    known = np.isfinite(joints).all(axis=-1, keepdims=True)
    count = known.sum(axis=-2).astype(np.float64)
    middle: NDArray[np.float64] = np.where(known, joints, 0).sum(axis=-2, dtype=np.float64) / np.where(count > 0, count, np.nan)
    return middle


def _usual(lengths: NDArray[np.floating]) -> NDArray[np.float64]:
    """Median (P,) of lengths (P, T), of which those that are NaN do not count."""
    return np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in lengths], np.float64)
