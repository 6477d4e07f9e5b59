"""MediaPipe's pose landmarker on arrays."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from facedance.job import InputError
from facedance.poses.quiet import without_chatter
from facedance.poses.skeleton import MEDIAPIPE
from facedance.workers import alive


@dataclass(frozen=True)
class Landmarker:
    """An open landmarker."""

    _task: vision.PoseLandmarker
    _mode: Literal["image", "video"]

    def detect(self, frame: NDArray[np.uint8], timestamp_ms: int = 0) -> NDArray[np.float32]:
        """The people in a frame (H, W, 3) RGB: (P, 33, 4) of x, y, z and visibility, P = 0 for nobody.

        x and y are pixels; z is depth from the hips in about the same unit, smaller being nearer; visibility is in [0, 1].
        In video mode `timestamp_ms` must rise from frame to frame; in image mode it has no meaning.
        """
        alive()
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        with without_chatter():
            found = self._task.detect(image) if self._mode == "image" else self._task.detect_for_video(image, timestamp_ms)
        people = [[(p.x, p.y, p.z, p.visibility) for p in person] for person in found.pose_landmarks]
        height, width = frame.shape[:2]
        scale = np.array([width, height, width, 1], np.float32)
        return np.array(people, np.float32).reshape(-1, len(MEDIAPIPE), 4) * scale


@contextlib.contextmanager
def open_landmarker(
    model: Path,
    mode: Literal["image", "video"],
    *,
    people: int = 1,
    detection_confidence: float = 0.5,
    tracking_confidence: float = 0.5,
) -> Iterator[Landmarker]:
    """A landmarker for unrelated pictures ("image") or for the frames of one video in their order ("video").

    In video mode it looks for the same people near where they were, and smooths their landmarks over time.

    Raises:
        InputError: the model is missing, or MediaPipe cannot open it.
    """
    if not model.is_file():
        raise InputError(f"the pose model {model} is missing: run the models stage to fetch it")
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.IMAGE if mode == "image" else vision.RunningMode.VIDEO,
        num_poses=people,
        min_pose_detection_confidence=detection_confidence,
        min_pose_presence_confidence=tracking_confidence,
        min_tracking_confidence=tracking_confidence,
    )
    try:
        with without_chatter():
            task = vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"MediaPipe cannot open the pose model {model} ({_first_line(error)}): remove it to fetch it anew"
        ) from None
    try:
        yield Landmarker(task, mode)
    finally:
        # Left to the interpreter's shutdown, MediaPipe prints an ignored exception.
        with without_chatter():
            task.close()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
