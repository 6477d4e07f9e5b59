"""Who judges: the recogniser and the pose estimator of the renders' scores, and two more who look at the same faces."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance import layout
from facedance.config.params import Params
from facedance.config.sections import Faces
from facedance.evaluate.judge import LandmarkJudge, Shape, mean_shape, open_landmark_judge, shape_distance
from facedance.evaluate.sight import MIN_FACE_PX, surest_face
from facedance.faces.backend import open_backend
from facedance.faces.embed import LOOK_BELOW
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, FaceBackend, Image
from facedance.faces.find import find_face
from facedance.faces.photos import UnusablePhoto, load_photo
from facedance.job import InputError

INSIGHTFACE = "insightface"


@dataclass(frozen=True)
class Panel:
    """All judges, opened once for any number of videos."""

    backend: FaceBackend
    landmarks: LandmarkJudge | None  # None where its predictor is not installed
    arcface: FaceBackend | None  # None where ArcFace's weights are not here; `backend` itself where that is ArcFace
    pose_model: Path


@dataclass(frozen=True)
class Sitter:
    """What the two further judges know of the person; None where they know nothing."""

    shape: Shape | None
    arcface: NDArray[np.float32] | None  # (D,) of length 1


NOBODY = Sitter(None, None)


class Witness:
    """The recogniser, with the further judges looking at the frames and faces that it is asked about."""

    def __init__(self, judges: Panel, sitter: Sitter) -> None:
        self._judges, self._sitter = judges, sitter
        self.name, self.dimension = judges.backend.name, judges.backend.dimension
        self.face_model = judges.backend.face_model
        self.outlier_distance, self.recognised_distance = judges.backend.outlier_distance, judges.backend.recognised_distance
        self._shapes: list[Shape] = []
        self._cosines: list[float] = []

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        """The recogniser's faces; ArcFace finds its own in the same picture."""
        arcface, known = self._judges.arcface, self._sitter.arcface
        if arcface is not None and known is not None and (face := surest_face(image, arcface)) is not None:
            self._cosines.append(float(arcface.embed(image, face).vector @ known))
        return self._judges.backend.detect(image, min_face_px)

    def embed(self, image: Image, face: Face) -> Embedding:
        """The recogniser's embedding; the landmark judge takes the shape of the same face."""
        if self._judges.landmarks is not None and self._sitter.shape is not None:
            self._shapes.append(self._judges.landmarks.shape(image, face))
        return self._judges.backend.embed(image, face)

    def align(self, image: Image, face: Face, size: int) -> Image:
        """The recogniser's own."""
        return self._judges.backend.align(image, face, size)

    def said(self) -> dict[str, float | None]:
        """Distance of the mean shape to the person's, and ArcFace's mean cosine, of all frames so far; None where unknown."""
        shape = mean_shape(np.stack(self._shapes)) if self._shapes else None
        return {
            "shape_distance": None if shape is None or self._sitter.shape is None else shape_distance(shape, self._sitter.shape),
            "arcface_cosine": float(np.mean(self._cosines)) if self._cosines else None,
        }


def open_judges(root: Path, params: Params) -> Panel:
    """Open the judges of the project at `root`; those that are not here are told of in the log and left out.

    Raises:
        InputError: the recogniser's weights are missing or damaged, or the pose model is missing.
    """
    if not (root / layout.POSE_MODEL).is_file():
        raise InputError(f"the pose model {layout.POSE_MODEL} is missing: `facedance run models` fetches it")
    faces = params.faces
    pack = faces.insightface_model if faces.backend == INSIGHTFACE else faces.backend
    backend = open_backend(faces.backend, _folder(root, pack))
    arcface = backend if faces.backend == INSIGHTFACE else None
    if arcface is None and (root / layout.FACE_MODEL.format(pack=faces.insightface_model)).is_file():
        arcface = open_backend(INSIGHTFACE, _folder(root, faces.insightface_model))
    return Panel(backend, open_landmark_judge(), arcface, root / layout.POSE_MODEL)


def meet(photos: Mapping[str, Path], judges: Panel, params: Faces) -> Sitter:
    """What the further judges make of a person's photos: the mean shape, and the mean direction of ArcFace's embeddings."""
    shapes, directions = [], []
    for _, path in sorted(photos.items()):
        try:
            seen = find_face(load_photo(path), judges.backend, round(LOOK_BELOW * params.min_face_px), params.detector_score)
        except UnusablePhoto:
            continue
        if judges.landmarks is not None:
            shapes.append(judges.landmarks.shape(seen.image, seen.face))
        if judges.arcface is not None:
            faces = judges.arcface.detect(seen.image, MIN_FACE_PX)
            if faces:
                directions.append(judges.arcface.embed(seen.image, max(faces, key=lambda face: face.score)).vector)
    mean = np.mean(directions, axis=0) if directions else None
    return Sitter(mean_shape(np.stack(shapes)) if shapes else None, None if mean is None else mean / np.linalg.norm(mean))


def _folder(root: Path, pack: str) -> Path:
    return (root / layout.FACE_MODEL.format(pack=pack)).parent
