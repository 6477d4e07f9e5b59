"""Who judges the renders of a training, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import WanModel
from facedance.evaluate import pose
from facedance.evaluate.judge import Shape, open_landmark_judge
from facedance.evaluate.likeness import Judges, Likeness, likeness
from facedance.faces.backend import open_backend
from facedance.faces.embedding import load_embeddings
from facedance.faces.photos import read_picture
from facedance.train.dataset import Source, TrainingFiles
from facedance.video.frames import Footage


@dataclass(frozen=True)
class JudgeFiles:
    """What the judges of a training read besides what it learns from."""

    backend: str  # name of the face recogniser
    pose_model: Path  # MediaPipe's landmarker
    landmarks: Sequence[Path]  # parquet: the poses of the clips
    reference: Path  # png: the head of the person's best photo, for the second judge


@dataclass(frozen=True)
class Judging:
    """The judges, the person, and the dance that is held out."""

    judges: Judges
    target: NDArray[np.float32]  # (D,) the person's embedding, as the recogniser says it
    shapes: tuple[Shape, ...]  # the second judge's of the person; none where it finds no face in the reference
    driving: NDArray[np.float32] | None  # (N, 17, 3) from the first rendered frame on; None where the pose is not known
    wan: WanModel

    def likeness(self, video: Path) -> Likeness:
        """Judge a render of the dance."""
        seen = self.judges.look(Footage(video, self.wan.clip_scale), self.wan.fps)
        target = np.repeat(self.target[None], len(seen.scored), axis=0)
        driving = None if self.driving is None else _of_length(self.driving, len(seen.people))
        return likeness(seen, target, self.shapes, driving)


def open_judging(files: TrainingFiles, read: JudgeFiles, heldout: Source, wan: WanModel) -> Judging:
    """Load the judges.

    Raises:
        InputError: weights of a judge are missing or damaged.
    """
    judges = Judges(open_backend(read.backend, files.recogniser), open_landmark_judge(), read.pose_model)
    shape = judges.shape(read_picture(read.reference))
    driving = pose.read_landmarks(read.landmarks, [heldout.name]).get(heldout.name)
    first = heldout.window * wan.frames
    return Judging(
        judges,
        load_embeddings(files.embedding)["embedding"].raw,
        () if shape is None else (shape,),
        None if driving is None else driving[first:],
        wan,
    )


def _of_length(driving: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The first poses (T, 17, 3); those that there are not are NaN, and not visible."""
    wanted = np.full((frames, *driving.shape[1:]), np.nan, np.float32)
    wanted[..., 2] = 0
    wanted[: len(driving)] = driving[:frames]
    return wanted
