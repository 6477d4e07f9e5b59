"""What recogniser and landmarker see in a render: the slow part of scoring, kept for every render.

A new dancer or identity changes whom a face is compared with, not what was seen, so scores are made anew from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate.colours import Background, clothes_colour
from facedance.evaluate.sight import surest_face, track_dancer
from facedance.evaluate.temporal import WarpingError
from facedance.faces.face import FaceBackend
from facedance.files import atomic
from facedance.video.frames import Footage
from facedance.video.pictures import Frame

_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Observation:
    """A render of T frames as seen, in pixels of the clip."""

    scored: NDArray[np.int64]  # (S,) the frames that were searched for a face
    faces: NDArray[np.float32]  # (S, D) the recogniser's output; NaN where there is no face
    people: NDArray[np.float32]  # (T, 33, 4) MediaPipe's landmarks; NaN where nobody is seen
    flicker: NDArray[np.float64]  # (1,) warping error; NaN when it cannot be measured
    changes: NDArray[np.float64]  # (T,) mean absolute difference to the frame before in grey levels; NaN of the first
    background: NDArray[np.float64]  # (T, 3) mean colour; NaN where none of it is seen
    clothes: NDArray[np.float64]  # (T, 3) mean colour on the torso; NaN where it is not seen


def observe(video: Path, backend: FaceBackend, pose_model: Path, params: Evaluate, wan: WanModel) -> Observation:
    """Look at a render in the size of its clip, because faces in the model's own size can be too small to be found.

    It is read once, frame by frame, so that memory does not grow with its length.
    """
    return look(Footage(video, wan.clip_scale), backend, pose_model, params, wan.fps)


def look(frames: Iterable[Frame], backend: FaceBackend, pose_model: Path, params: Evaluate, fps: int) -> Observation:
    """The same of frames (H, W, 3) in the size of clips, `fps` of them a second, that come from elsewhere."""
    scored, faces, people, clothes, changes = [], [], [], [], []
    flicker, background = WarpingError(), Background(first=fps)
    last: Frame | None = None
    for i, (frame, person) in enumerate(track_dancer(frames, fps, pose_model)):
        if i % params.every == 0:
            scored.append(i)
            faces.append(_embedded(frame, backend))
        people.append(person)
        flicker.add(frame)
        changes.append(np.nan if last is None else float(cv2.absdiff(frame, last).mean()))
        background.add(frame, person)
        clothes.append(clothes_colour(frame, person))
        last = frame
    return Observation(
        scored=np.array(scored, np.int64),
        faces=np.stack(faces),
        people=np.stack(people),
        flicker=np.array([np.nan if flicker.value is None else flicker.value]),
        changes=np.array(changes),
        background=background.colours(),
        clothes=np.stack(clothes),
    )


def save(path: Path, seen: object) -> None:
    """Write a dataclass of arrays, such as an observation, as safetensors, a tensor for each field."""
    with atomic(path) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in vars(seen).items()}, temporary)


def load(path: Path, kind: type[_Seen]) -> _Seen:
    """What `save` wrote, of this kind."""
    return kind(**load_file(path))


def _embedded(frame: NDArray[np.uint8], backend: FaceBackend) -> NDArray[np.float32]:
    face = surest_face(frame, backend)
    return np.full(backend.dimension, np.nan, np.float32) if face is None else backend.embed(frame, face).raw
