"""A render frame by frame: the only dancer, wherever they are, or each of several, where the driving pose has them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.pose import visible_joints
from facedance.evaluate.sight import faces_of_dancers, surest_face, track_dancer
from facedance.evaluate.tracks import followed
from facedance.evaluate.whose import heads_of, in_view
from facedance.faces.face import Face, FaceBackend
from facedance.video.pictures import Frame, Frames


@dataclass(frozen=True)
class Sight:
    """One frame of a render of P dancers, as seen."""

    frame: Frame  # (H, W, 3)
    people: NDArray[np.float32]  # (P, 33, 4) MediaPipe's landmarks; NaN where the dancer is not seen
    faces: Sequence[Face | None] | None  # of each dancer, None where none is found; None where it was not searched for faces
    there: NDArray[np.bool_]  # (P,) whether the dancer should be there
    in_view: NDArray[np.bool_]  # (P,) and whether their head is to be seen


def watch_one(frames: Iterable[Frame], backend: FaceBackend, pose_model: Path, fps: int, every: int) -> Iterator[Sight]:
    """The only dancer in frames (H, W, 3) in the size of clips, `fps` a second, which are read once.

    In one of `every` of them a face is looked for.
    """
    always = np.ones(1, np.bool_)
    for t, (frame, person) in enumerate(track_dancer(frames, fps, pose_model)):
        faces = None if t % every else [surest_face(frame, backend)]
        yield Sight(frame, person[None], faces, always, always)


def watch_each(
    frames: Sequence[Frame] | Frames,
    driving: NDArray[np.floating],
    backend: FaceBackend,
    pose_model: Path,
    fps: int,
    every: int,
) -> Iterator[Sight]:
    """Each of P dancers in T such frames, where `driving` (P, T, 17, 3), x, y in their pixels and visibility, has them."""
    joints = visible_joints(driving)
    heads, there = heads_of(joints), np.asarray(np.isfinite(joints).any(axis=(2, 3)))
    people = followed(frames, joints, fps, pose_model)
    height, width = frames[0].shape[:2]
    view = in_view(heads, (width, height))
    for t, frame in enumerate(frames):
        faces = None if t % every else faces_of_dancers(frame, heads.centres[:, t], heads.necks, backend)
        yield Sight(frame, people[:, t], faces, there[:, t], view[:, t])
