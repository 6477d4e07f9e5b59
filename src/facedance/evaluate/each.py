"""How like their people a render is in which each of several dancers is somebody: what is seen of each, and the mean."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate import pose
from facedance.evaluate.likeness import EVERY, Judges, Likeness, Seen
from facedance.evaluate.sight import faces_of_dancers
from facedance.evaluate.tracks import followed
from facedance.evaluate.whose import Heads, heads_of, in_view
from facedance.video.pictures import Frame


def look_at_each(judges: Judges, frames: Sequence[Frame], driving: NDArray[np.floating], fps: int) -> list[Seen]:
    """What is seen of each of P dancers in the frames (H, W, 3) of a render in the size of its clip.

    Frames in which a dancer's head is not to be seen do not count as searched for their face.

    Args:
        driving: (P, T, 17, 3) x, y in pixels of the frames and visibility of those who are looked for.
    """
    joints = pose.visible_joints(driving)
    heads, people = heads_of(joints), followed(frames, joints, fps, judges.pose_model)
    looked = [_view(judges, frame, heads, t) for t, frame in enumerate(frames) if t % EVERY == 0]
    faces, shapes = (np.stack(part, axis=1) for part in zip(*looked, strict=True))
    height, width = frames[0].shape[:2]
    scored = np.arange(0, driving.shape[1], EVERY)
    views = in_view(heads, (width, height))[:, scored]
    return [Seen(scored[view], faces[p][view], shapes[p][view], people[p]) for p, view in enumerate(views)]


def mean_of(each: Iterable[Likeness]) -> Likeness:
    """The means over dancers, of each figure over those of whom it is known."""
    said = list(each)
    return Likeness(
        face_detected_rate=float(np.mean([one.face_detected_rate for one in said])) if said else 0.0,
        identity_distance=_mean([one.identity_distance for one in said]),
        pose_pck=_mean([one.pose_pck for one in said]),
        landmark_distance=_mean([one.landmark_distance for one in said]),
    )


def _view(judges: Judges, frame: Frame, heads: Heads, t: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Both judges' view of each dancer's face in a frame: (P, D) and (P, 68, 2)."""
    faces = faces_of_dancers(frame, heads.centres[:, t], heads.necks, judges.backend)
    views = [judges.view(frame, face) for face in faces]
    return np.stack([face for face, _ in views]), np.stack([shape for _, shape in views])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
