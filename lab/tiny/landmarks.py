"""Where the recogniser finds the faces of a scene."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from facedance.evaluate.sight import MIN_FACE_PX
from facedance.faces.face import Face, FaceBackend
from lab.world.scene import Scene

POINTS = 5
_SEEN_SHARE = 1.7  # side of what the recogniser is shown, in sides of the head's box: it searches a small picture sooner,
_FACE_SHARE = 0.4  # and sooner for a face of at least this side


def face_landmarks(scene: Scene, backend: FaceBackend) -> NDArray[np.float32]:
    """Five landmarks (T, POINTS, 2) of the face in each frame of a scene, in its pixels; NaN where no face is found."""
    found = np.full((len(scene.frames), POINTS, 2), np.nan, np.float32)
    enlarged = scene.large.shape[1] / scene.frames.shape[1]
    for i, (frame, box) in enumerate(zip(scene.large, enlarged * scene.heads, strict=True)):
        middle, reach = (box[:2] + box[2:]) / 2, max(box[2] - box[0], box[3] - box[1]) / 2
        smallest = max(MIN_FACE_PX, round(2 * _FACE_SHARE * reach))
        left, top = np.maximum(middle - _SEEN_SHARE * reach, 0).astype(int)
        right, bottom = np.ceil(middle + _SEEN_SHARE * reach).astype(int)
        cut = np.ascontiguousarray(frame[top:bottom, left:right])
        face = _face_at(middle - [left, top], reach, backend.detect(cut, smallest)) if cut.size else None
        if face is not None:
            found[i] = (face.landmarks + [left, top] + 0.5) / enlarged - 0.5
    return found


def are_found(landmarks: Tensor) -> Tensor:
    """Which of faces (..., POINTS, 2) are found: (...)."""
    return landmarks.isfinite().all(-1).all(-1)


def _face_at(middle: NDArray[np.floating], reach: float, faces: Sequence[Face]) -> Face | None:
    """The surest of the faces whose middle is no further than `reach` from here."""
    near = [face for face in faces if np.abs(face.centre - middle).max() < reach]
    return max(near, key=lambda face: face.score, default=None)
