"""What recogniser, second judge and landmarker see in a clip."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import WanModel
from facedance.evaluate.judge import POINTS, LandmarkJudge
from facedance.evaluate.sight import surest_face, track_dancer
from facedance.evaluate.temporal import warping_error
from facedance.faces.face import FaceBackend
from facedance.video.frames import resized
from facedance.video.pictures import Frames


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
    every: int
    wan: WanModel

    def look(self, frames: Frames) -> Sight:
        """Look at frames (T, h, w, 3) in the size of clips."""
        frames = resized(frames, self.wan.clip_size(self.wan.sizes[0]))
        faces, shapes = zip(*(self._face(frame) for frame in frames[:: self.every]), strict=True)
        flicker = warping_error(frames)
        return Sight(
            faces=np.stack(faces),
            shapes=np.stack(shapes),
            people=np.stack([person for _, person in track_dancer(frames, self.wan.fps, self.pose_model)]),
            flicker=np.nan if flicker is None else flicker,
        )

    def _face(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both judges' view of the surest face, (D,) and (68, 2)."""
        face = surest_face(frame, self.backend)
        if face is None:
            return np.full(self.backend.dimension, np.nan, np.float32), np.full((POINTS, 2), np.nan)
        return self.backend.embed(frame, face).raw, self.landmarks.shape(frame, face)
