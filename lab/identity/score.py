"""What a clip shows, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from facedance.evaluate import distances as identity
from facedance.evaluate import pose
from facedance.evaluate.judge import mean_shape, shape_distance
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from lab.identity.look import Sight
from lab.identity.sitters import APART, Sitter


@dataclass(frozen=True)
class Score:
    """One clip of somebody among N people; NaN is what cannot be measured.

    Distances to faces are the recogniser's, means over the frames with a face. A clip without any counts as not
    recognised. Pose errors are pixels of the clip, over the joints that are found; PCK counts the others as wrong.
    """

    detected: float  # share of the looked-at frames with a face
    to_self: float
    to_second: float  # the other person of the recipe
    to_nearest_other: float
    rank1: float  # 1 if of all N the own face is the nearest
    rank1_second: float  # 1 if the other's is
    pck: float
    pck_wrong: float  # against the pose of another clip
    pck_first: float  # over the first third of the clip
    pck_last: float  # over its last third
    error_first_px: float
    error_last_px: float
    flicker: float
    judge_rank1: float  # as rank1, by the second judge
    judge_same: float  # 1 if both judges name the same person
    judge_correlation: float  # Spearman's, of both judges' distances to the N people


def score(
    sight: Sight,
    people: Sequence[Sitter],
    own: int,
    other: int,
    driving: NDArray[np.float32],
    wrong: NDArray[np.float32],
) -> Score:
    """Score a clip in which `people[own]` should be seen, in the pose `driving` (T, 17, 3) and not `wrong` (T, 17, 3)."""
    known = np.stack([who.embedding.raw for who in people])  # (N, D)
    target = np.repeat(known[own : own + 1], len(sight.faces), axis=0)  # (S, D)
    faces = identity.compare(sight.faces, target, np.delete(known, own, axis=0), APART)
    first, second = face_distances(sight.faces, known), shape_distances(sight.shapes, people)
    seen = bool(np.isfinite(first).all())
    third = len(driving) // 3
    beginning, end = _pose(sight, driving, slice(third)), _pose(sight, driving, slice(-third, None))
    return Score(
        detected=faces.face_detected_rate,
        to_self=_number(faces.identity_distance),
        to_second=float(first[other]),
        to_nearest_other=_number(faces.nearest_other_distance),
        rank1=float(seen and first.argmin() == own),
        rank1_second=float(seen and first.argmin() == other),
        pck=_number(_pose(sight, driving).pck),
        pck_wrong=_number(_pose(sight, wrong).pck),
        pck_first=_number(beginning.pck),
        pck_last=_number(end.pck),
        error_first_px=_number(beginning.error_px),
        error_last_px=_number(end.error_px),
        flicker=sight.flicker,
        judge_rank1=float(seen and second.argmin() == own),
        judge_same=float(first.argmin() == second.argmin()) if seen else np.nan,
        judge_correlation=float(spearmanr(first, second).statistic) if seen and len(people) > 2 else np.nan,
    )


def face_distances(faces: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance (N,) of faces (S, D) to each of `known` (N, D), over the frames with a face; NaN if there is none."""
    found = faces[~np.isnan(faces).any(axis=1)]
    if not len(found):
        return np.full(len(known), np.nan)
    distances: NDArray[np.float64] = np.linalg.norm(found[:, None] - known[None], axis=2).mean(axis=0, dtype=np.float64)
    return distances


def shape_distances(shapes: NDArray[np.float64], people: Sequence[Sitter]) -> NDArray[np.float64]:
    """Distance (N,) of the mean of shapes (S, 68, 2) to each person's; NaN if there is no face."""
    mean = mean_shape(shapes)
    return np.array([np.nan if mean is None else shape_distance(mean, who.shape) for who in people])


def _pose(sight: Sight, joints: NDArray[np.float32], frames: slice = slice(None)) -> pose.PoseScore:
    counts = joints[frames, :, 2] >= pose.MIN_VISIBILITY
    return pose.compare(sight.people[frames][:, COCO_IN_MEDIAPIPE, :2], joints[frames, :, :2], counts)


def _number(value: float | None) -> float:
    return np.nan if value is None else value
