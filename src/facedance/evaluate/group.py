"""What recogniser and landmarker see of each of several dancers in a render, and the scores of a video of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Evaluate
from facedance.evaluate import pose
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.colours import Background, clothes_colour
from facedance.evaluate.figures import figures, swapped_frames
from facedance.evaluate.observe import Observation
from facedance.evaluate.sight import faces_of_dancers
from facedance.evaluate.temporal import WarpingError
from facedance.evaluate.tracks import followed
from facedance.evaluate.whose import heads_of, in_view
from facedance.faces.embedding import Embedding
from facedance.faces.face import FaceBackend
from facedance.video.pictures import Frame, Frames


@dataclass(frozen=True)
class GroupObservation:
    """A render of P dancers in T frames as seen, in pixels of the clip."""

    scored: NDArray[np.int64]  # (S,) the frames that were searched for faces
    in_view: NDArray[np.bool_]  # (P, S) whether the dancer's head is to be seen there, as they should dance
    there: NDArray[np.bool_]  # (P, T) whether the dancer should be there
    faces: NDArray[np.float32]  # (P, S, D) the recogniser's output; NaN where the dancer has no face
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
            people=self.people[place],
            flicker=self.flicker,
            changes=self.changes,
            background=self.background,
            clothes=self.clothes[place],
        )


@dataclass(frozen=True)
class GroupFigures:
    """Scores of a video of P dancers."""

    dancers: tuple[dict[str, Any], ...]  # of each what `figures` gives
    swaps: float | None
    """Share of the frames in which a dancer's face is nearer to another's person, of those with a face of somebody's; None if
    there is none."""


def observe_group(
    frames: Sequence[Frame] | Frames,
    driving: NDArray[np.floating],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    fps: int,
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
    joints = pose.visible_joints(driving)
    heads, there = heads_of(joints), np.asarray(np.isfinite(joints).any(axis=(2, 3)))
    scored = np.arange(0, length, params.every)
    people = followed(frames, joints, fps, pose_model)
    faces, clothes, changes = [], [], []
    flicker, background = WarpingError(), Background(first=fps)
    last: Frame | None = None
    for t, frame in enumerate(frames):
        if t % params.every == 0:
            faces.append(_faces(frame, heads.centres[:, t], heads.necks, backend))
        flicker.add(frame)
        changes.append(np.nan if last is None else float(cv2.absdiff(frame, last).mean()))
        background.add(frame, *people[there[:, t], t])
        clothes.append(np.stack([clothes_colour(frame, person) for person in people[:, t]]))
        last = frame
    height, width = frames[0].shape[:2]
    return GroupObservation(
        scored=scored,
        in_view=in_view(heads, (width, height))[:, scored],
        there=there,
        faces=np.stack(faces, axis=1),
        people=people,
        flicker=np.array([np.nan if flicker.value is None else flicker.value]),
        changes=np.array(changes),
        background=background.colours(),
        clothes=np.stack(clothes, axis=1),
    )


def group_figures(
    frames: Sequence[Frame] | Frames,
    joints: NDArray[np.floating],
    persons: Sequence[Embedding | None],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    fps: int,
    others: Sequence[Embedding] = (),
) -> GroupFigures:
    """The scores of each of several dancers in a video.

    Args:
        frames: (H, W, 3), such as `Footage` or an array; faces should have some 24 pixels and more.
        joints: (P, T, 17, 2) COCO's joints of those who drive it, in pixels of the frames; NaN where they are not there.
        persons: whom each of them becomes; None for nobody in particular, whose face is not judged.
        others: further faces that theirs must not be taken for.
    """
    visible = np.isfinite(joints).all(axis=-1, keepdims=True)
    driving = np.concatenate([joints, visible], axis=-1)
    seen = observe_group(frames, driving, backend, pose_model, params, fps)
    near = backend.recognised_distance if params.recognised_distance is None else params.recognised_distance
    dancers, swapped = [], np.zeros((2, len(frames)), np.bool_)
    for i, own in enumerate(persons):
        one = seen.of(i)
        rivals = [who for j, who in enumerate(persons) if who is not None and j != i]
        wanted = Wanted(
            target=None if own is None else _each(own, one),
            others=np.array([who.raw for who in (*rivals, *others)], np.float32).reshape(-1, backend.dimension),
            recognised_distance=near,
            driving=driving[i],
            rivals=np.stack([_each(who, one) for who in rivals]) if rivals else None,
            there=seen.there[i],
        )
        dancers.append(figures(one, wanted))
        for which, among in zip(swapped_frames(one, wanted), swapped, strict=True):
            among[one.scored[which]] = True
    nearer, judged = swapped
    return GroupFigures(tuple(dancers), float(nearer.sum() / judged.sum()) if judged.any() else None)


def _each(who: Embedding, seen: Observation) -> NDArray[np.float32]:
    """The same face (S, D) for each frame that was searched."""
    return np.tile(who.raw, (len(seen.scored), 1))


def _faces(frame: Frame, heads: NDArray[np.floating], necks: NDArray[np.floating], backend: FaceBackend) -> NDArray[np.float32]:
    """The recogniser's output (P, D) for the face of each dancer with a head (P, 2) in a frame; NaN where there is none."""
    nobody = np.full(backend.dimension, np.nan, np.float32)
    faces = faces_of_dancers(frame, heads, necks, backend)
    return np.stack([nobody if face is None else backend.embed(frame, face).raw for face in faces])
