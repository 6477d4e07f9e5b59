"""What recogniser and landmarker see in a render: the slow part of scoring, kept for every render.

A new dancer or identity changes whom a face is compared with, not what was seen, so scores are made anew from here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate.colours import Background, clothes_colour
from facedance.evaluate.judge import POINTS, LandmarkJudge
from facedance.evaluate.sidecar import read_sidecar
from facedance.evaluate.sights import Sight, watch_each, watch_one
from facedance.evaluate.temporal import WarpingError
from facedance.faces.face import FaceBackend
from facedance.files import atomic
from facedance.video.frames import Footage
from facedance.video.pictures import Frame, Frames

_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Observation:
    """A render of T frames as seen, in pixels of the clip."""

    scored: NDArray[np.int64]  # (S,) the frames that were searched for a face
    faces: NDArray[np.float32]  # (S, D) the recogniser's output; NaN where there is no face
    shapes: NDArray[np.float64]  # (S, 68, 2) the second judge's; NaN where there is no face, or no such judge
    people: NDArray[np.float32]  # (T, 33, 4) MediaPipe's landmarks; NaN where nobody is seen
    flicker: NDArray[np.float64]  # (1,) warping error; NaN when it cannot be measured
    changes: NDArray[np.float64]  # (T,) mean absolute difference to the frame before in grey levels; NaN of the first
    background: NDArray[np.float64]  # (T, 3) mean colour; NaN where none of it is seen
    clothes: NDArray[np.float64]  # (T, 3) mean colour on the torso; NaN where it is not seen


@dataclass(frozen=True)
class GroupObservation:
    """A render of P dancers in T frames as seen, in pixels of the clip."""

    scored: NDArray[np.int64]  # (S,) the frames that were searched for faces
    in_view: NDArray[np.bool_]  # (P, S) whether the dancer's head is to be seen there, as they should dance
    there: NDArray[np.bool_]  # (P, T) whether the dancer should be there
    faces: NDArray[np.float32]  # (P, S, D) the recogniser's output; NaN where the dancer has no face
    shapes: NDArray[np.float64]  # (P, S, 68, 2) the second judge's; NaN where the dancer has no face, or there is no such judge
    people: NDArray[np.float32]  # (P, T, 33, 4) MediaPipe's landmarks; NaN where the dancer is not seen
    flicker: NDArray[np.float64]  # as in `Observation`, as are the next two
    changes: NDArray[np.float64]
    background: NDArray[np.float64]
    clothes: NDArray[np.float64]  # (P, T, 3)

    def of(self, place: int) -> Observation:
        """One of the dancers, from 0; frames in which their head is not to be seen do not count as searched."""
        view = self.in_view[place]
        return Observation(
            scored=self.scored[view],
            faces=self.faces[place][view],
            shapes=self.shapes[place][view],
            people=self.people[place],
            flicker=self.flicker,
            changes=self.changes,
            background=self.background,
            clothes=self.clothes[place],
        )


def footage_of(video: Path, wan: WanModel) -> Footage:
    """A render in the size of its clip, because faces in the model's own size can be too small to be found."""
    settings = read_sidecar(video.with_suffix(".json")).get("settings", {})
    return Footage(video, Fraction(wan.clip_scale, settings.get("enlarge", 1)))


def observe(
    video: Path,
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    wan: WanModel,
    landmarks: LandmarkJudge | None = None,
) -> Observation:
    """Look at a render in the size of its clip. It is read once, frame by frame: memory does not grow with its length."""
    return look(footage_of(video, wan), backend, pose_model, params, wan.fps, landmarks)


def look(
    frames: Iterable[Frame],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    fps: int,
    landmarks: LandmarkJudge | None = None,
) -> Observation:
    """The same of frames (H, W, 3) in the size of clips, `fps` of them a second, that come from elsewhere."""
    return _observed(watch_one(frames, backend, pose_model, fps, params.every), backend, landmarks, fps).of(0)


def observe_group(
    frames: Sequence[Frame] | Frames,
    driving: NDArray[np.floating],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    fps: int,
    landmarks: LandmarkJudge | None = None,
) -> GroupObservation:
    """Look at the frames (H, W, 3) of a render, one by one, for dancers who should be where `driving` has them.

    Args:
        driving: (P, T, 17, 3) x, y in pixels of the frames and visibility of those who are looked for.

    Raises:
        ValueError: there are more or fewer frames than driving poses.
    """
    length = driving.shape[1]
    if len(frames) != length:
        raise ValueError(f"the render has {len(frames)} frames but its driving pose {length}")
    return _observed(watch_each(frames, driving, backend, pose_model, fps, params.every), backend, landmarks, fps)


def save(path: Path, seen: object) -> None:
    """Write a dataclass of arrays, such as an observation, as safetensors, a tensor for each field."""
    with atomic(path) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in vars(seen).items()}, temporary)


def load(path: Path, kind: type[_Seen]) -> _Seen:
    """What `save` wrote, of this kind."""
    return kind(**load_file(path))


def _observed(sights: Iterable[Sight], backend: FaceBackend, landmarks: LandmarkJudge | None, fps: int) -> GroupObservation:
    """All that is seen."""
    nobody, no_shape = np.full(backend.dimension, np.nan, np.float32), np.full((POINTS, 2), np.nan)
    scored, faces, shapes, views, people, there, clothes, changes = [], [], [], [], [], [], [], []
    flicker, background = WarpingError(), Background(first=fps)
    last: Frame | None = None
    for t, sight in enumerate(sights):
        frame = sight.frame
        if sight.faces is not None:
            scored.append(t)
            faces.append([nobody if face is None else backend.embed(frame, face).raw for face in sight.faces])
            shapes.append([landmarks.shape(frame, face) if landmarks and face else no_shape for face in sight.faces])
            views.append(sight.in_view)
        people.append(sight.people)
        there.append(sight.there)
        flicker.add(frame)
        changes.append(np.nan if last is None else float(cv2.absdiff(frame, last).mean()))
        background.add(frame, *sight.people[sight.there])
        clothes.append([clothes_colour(frame, person) for person in sight.people])
        last = frame
    return GroupObservation(
        scored=np.array(scored, np.int64),
        in_view=np.stack(views, axis=1),
        there=np.stack(there, axis=1),
        faces=np.stack(faces, axis=1),
        shapes=np.stack(shapes, axis=1),
        people=np.stack(people, axis=1),
        flicker=np.array([np.nan if flicker.value is None else flicker.value]),
        changes=np.array(changes),
        background=background.colours(),
        clothes=np.stack(clothes, axis=1),
    )
