"""What recogniser, second judge and landmarker see in a clip."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.judge import POINTS, LandmarkJudge
from facedance.evaluate.observe import surest_face
from facedance.evaluate.temporal import warping_error
from facedance.faces.face import FaceBackend
from facedance.params import Poses
from facedance.poses.landmarker import open_landmarker
from facedance.poses.track import follow
from facedance.video import Frames

_PEOPLE = 3  # that the landmarker looks for where it has nobody to follow


@dataclass(frozen=True)
class Sight:
    """A clip of T frames, of which S were searched for a face, as seen; NaN is what was not found."""

    faces: NDArray[np.float32]  # (S, D) the recogniser's output
    shapes: NDArray[np.float64]  # (S, 68, 2) the second judge's
    people: NDArray[np.float32]  # (T, 33, 4) MediaPipe's landmarks in pixels
    flicker: float  # in grey levels


@dataclass(frozen=True)
class Judges:
    """Who looks, and how."""

    backend: FaceBackend
    landmarks: LandmarkJudge
    pose_model: Path
    poses: Poses
    every: int
    fps: int

    def look(self, frames: Frames) -> Sight:
        """Look at frames (T, H, W, 3) in the size of clips."""
        faces, shapes = zip(*(self._face(frame) for frame in frames[:: self.every]), strict=True)
        flicker = warping_error(frames)
        return Sight(
            faces=np.stack(faces),
            shapes=np.stack(shapes),
            people=track(frames, self.fps, self.poses, self.pose_model),
            flicker=np.nan if flicker is None else flicker,
        )

    def _face(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both judges' view of the surest face, (D,) and (68, 2)."""
        face = surest_face(frame, self.backend)
        if face is None:
            return np.full(self.backend.dimension, np.nan, np.float32), np.full((POINTS, 2), np.nan)
        return self.backend.embed(frame, face).raw, self.landmarks.shape(frame, face)


def track(frames: Frames, fps: int, poses: Poses, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of the dancer, as the poses stage finds them."""
    sure, following = poses.detection_confidence, poses.tracking_confidence
    with (
        open_landmarker(model, "image", people=_PEOPLE, detection_confidence=sure) as finder,
        open_landmarker(model, "video", detection_confidence=sure, tracking_confidence=following) as tracker,
    ):
        return follow(frames, fps, tracker, finder)
