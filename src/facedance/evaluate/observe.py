"""What recogniser and landmarker see in a render: the slow part of scoring, kept for every render.

A new dancer or identity changes whom a face is compared with, not what was seen, so scores are made anew from here.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate.temporal import warping_error
from facedance.faces.face import Face, FaceBackend
from facedance.files import atomic
from facedance.poses.landmarker import open_landmarker
from facedance.video.frames import read_frames
from facedance.video.pictures import Frames

LEAD_IN = 8
"""Frames that are shown to the landmarker backwards before a render begins: it needs some to lock on to a blurred dancer."""

_SURE = 0.3
"""Confidence from which the landmarker takes something for a person: less than its 0.5, as a render shows a dancer for certain.

In one of 48 blurred renders it found nobody at 0.5, and at 0.3 the dancer in every frame.
"""

MIN_FACE_PX = 24
"""Full-body dancers have faces of 30-60 px in a clip."""


@dataclass(frozen=True)
class Observation:
    """A render of T frames as seen, in pixels of the clip."""

    scored: NDArray[np.int64]  # (S,) the frames that were searched for a face
    faces: NDArray[np.float32]  # (S, D) the recogniser's output; NaN where there is no face
    people: NDArray[np.float32]  # (T, 33, 4) MediaPipe's landmarks; NaN where nobody is seen
    flicker: NDArray[np.float64]  # (1,) warping error; NaN when it cannot be measured


def observe(video: Path, backend: FaceBackend, pose_model: Path, params: Evaluate, wan: WanModel) -> Observation:
    """Look at a render in the size of its clip, because faces in the model's own size can be too small to be found."""
    frames = read_frames(video, width=wan.clip_size[0], height=wan.clip_size[1])
    scored = np.arange(0, len(frames), params.every)
    flicker = warping_error(frames)
    return Observation(
        scored=scored,
        faces=np.stack([_embedded(frames[i], backend) for i in scored]),
        people=track_dancer(frames, wan.fps, pose_model),
        flicker=np.array([np.nan if flicker is None else flicker]),
    )


def save(path: Path, seen: Observation) -> None:
    """Write an observation as safetensors, a tensor for each field."""
    with atomic(path) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in vars(seen).items()}, temporary)


def load(path: Path) -> Observation:
    """The observation that `save` wrote."""
    return Observation(**load_file(path))


def surest_face(frame: NDArray[np.uint8], backend: FaceBackend) -> Face | None:
    """The face of the dancer in a frame (H, W, 3) in the size of clips; None if none is found."""
    # Not the largest: at this enlargement a pattern in the clothes is taken for a doubtful face now and then.
    return max(backend.detect(frame, MIN_FACE_PX), key=lambda face: face.score, default=None)


def track_dancer(frames: Frames, fps: int, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of a render's dancer, NaN in frames where nobody is seen."""
    lead_in = frames[1 : LEAD_IN + 1][::-1]
    people = np.full((len(lead_in) + len(frames), 33, 4), np.nan, np.float32)
    with open_landmarker(model, "video", detection_confidence=_SURE) as landmarker:
        for i, frame in enumerate(np.concatenate([lead_in, frames])):
            found = landmarker.detect(frame, round(1000 * i / fps))  # (P, 33, 4)
            if len(found):
                people[i] = found[0]
    return people[len(lead_in) :]


def _embedded(frame: NDArray[np.uint8], backend: FaceBackend) -> NDArray[np.float32]:
    face = surest_face(frame, backend)
    return np.full(backend.dimension, np.nan, np.float32) if face is None else backend.embed(frame, face).raw
