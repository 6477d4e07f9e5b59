"""How like the person a short render is: the figures by which one of several is chosen.

What chooses never reports alone: beside the recogniser's distance stands that of the second judge, who has no part in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate import distances, pose
from facedance.evaluate.judge import POINTS, LandmarkJudge, Shape, mean_shape, shape_distance
from facedance.evaluate.sights import Sight, watch_one
from facedance.faces.face import Face, FaceBackend, Image
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.video.pictures import Frame

EVERY = 2
"""A face is looked for in one of so many frames: more of them than where a whole run is scored, since few frames decide."""

_MIN_REFERENCE_PX = 80  # faces in photos are larger


@dataclass(frozen=True)
class Likeness:
    """What the judges say of a render; None is what cannot be measured."""

    face_detected_rate: float  # share of the frames looked at in which a face is found
    identity_distance: float | None  # mean over these, in the recogniser's measure
    pose_pck: float | None  # PCK@0.2 of the torso, against the driving landmarks
    landmark_distance: float | None  # the second judge's, of the mean shape to the person's: Procrustes, in radii of the face


@dataclass(frozen=True)
class Seen:
    """A render of T frames, of which S were searched for a face; NaN is what was not found."""

    scored: NDArray[np.int64]  # (S,)
    faces: NDArray[np.float32]  # (S, D) the recogniser's output
    shapes: NDArray[np.float64]  # (S, 68, 2) the second judge's
    people: NDArray[np.float32]  # (T, 33, 4) MediaPipe's landmarks, in pixels of the clip


@dataclass(frozen=True)
class Judges:
    """Who looks at a render."""

    backend: FaceBackend
    landmarks: LandmarkJudge | None  # the second judge; None where it is not installed
    pose_model: Path

    def look(self, frames: Iterable[Frame], fps: int) -> Seen:
        """Look at the frames (H, W, 3) of a render in the size of its clip, read once."""
        return self.seen_in(watch_one(frames, self.backend, self.pose_model, fps, EVERY))[0]

    def seen_in(self, sights: Iterable[Sight]) -> list[Seen]:
        """What is seen of each dancer; frames in which their head is not to be seen do not count as searched for their face."""
        scored, in_view, faces, shapes, people = [], [], [], [], []
        for t, sight in enumerate(sights):
            people.append(sight.people)
            if sight.faces is not None:
                views = [self.view(sight.frame, face) for face in sight.faces]
                scored.append(t)
                in_view.append(sight.in_view)
                faces.append([face for face, _ in views])
                shapes.append([shape for _, shape in views])
        of_each = zip(*(np.stack(part, axis=1) for part in (in_view, faces, shapes, people)), strict=True)
        return [Seen(np.array(scored, np.int64)[view], own[view], shape[view], person) for view, own, shape, person in of_each]

    def shape(self, photo: Image) -> Shape | None:
        """The shape of the face in a photo (H, W, 3); None where none is found, or nobody judges it."""
        found = face_in_photo(photo, self.backend) if self.landmarks else None
        return self.landmarks.shape(photo, found) if self.landmarks and found else None

    def view(self, frame: Frame, face: Face | None) -> tuple[NDArray[np.float32], Shape]:
        """Both judges' view of a face in a frame, (D,) and (68, 2); NaN of none."""
        if face is None:
            return np.full(self.backend.dimension, np.nan, np.float32), np.full((POINTS, 2), np.nan)
        shape = self.landmarks.shape(frame, face) if self.landmarks else np.full((POINTS, 2), np.nan)
        return self.backend.embed(frame, face).raw, shape


def face_in_photo(photo: Image, backend: FaceBackend) -> Face | None:
    """The surest face in a photo (H, W, 3) of one person; None where none is found."""
    return max(backend.detect(photo, _MIN_REFERENCE_PX), key=lambda face: face.score, default=None)


def likeness(seen: Seen, target: NDArray[np.float32], shapes: Sequence[Shape], driving: NDArray[np.float32] | None) -> Likeness:
    """The figures of a render that should show the face `target` (S, D) in each frame that was searched for one.

    Args:
        shapes: of the people who are shown, (68, 2) each; the second judge compares with the only one, and with none of several.
        driving: (T, 17, 3) x, y and visibility of the pose; None where it is not known.

    Raises:
        ValueError: the driving pose has another number of frames.
    """
    faces = distances.compare(seen.faces, target, seen.faces[:0], recognised_distance=np.inf)
    shape = mean_shape(seen.shapes)
    return Likeness(
        face_detected_rate=faces.face_detected_rate,
        identity_distance=faces.identity_distance,
        pose_pck=None if driving is None else _pck(seen, driving),
        landmark_distance=None if shape is None or len(shapes) != 1 else shape_distance(shape, shapes[0]),
    )


def _pck(seen: Seen, driving: NDArray[np.float32]) -> float | None:
    if len(driving) != len(seen.people):
        raise ValueError(f"the render has {len(seen.people)} frames but its driving pose {len(driving)}")
    return pose.compare(seen.people[:, COCO_IN_MEDIAPIPE, :2], driving[..., :2], driving[..., 2] >= pose.MIN_VISIBILITY).pck
