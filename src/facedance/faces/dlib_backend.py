"""dlib: histogram-of-gradients detector, five landmarks and the 128-d ResNet (99.38 % on LFW; weights CC0)."""

from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from facedance.faces.crop import close_up
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, Image
from facedance.job import InputError

LANDMARKS_FILE = "shape_predictor_5_face_landmarks.dat"
RECOGNISER_FILE = "dlib_face_recognition_resnet_model_v1.dat"

_SMALLEST_FACE = 80  # pixels: the side of the detector's sliding window
_FACE_IN_CHIP = 150  # pixels: the side of the face that the recogniser takes


class DlibBackend:
    """A FaceBackend whose distances below 0.6 mean the same person."""

    name = "dlib"
    dimension = 128
    outlier_distance = 0.55
    recognised_distance = 0.6
    # Corners of the eyes and the base of the nose; from MediaPipe's canonical face model (vertices 263, 362, 33, 133, 2).
    face_model: NDArray[np.float32] = np.array(
        [
            [4.445859, 2.663991, 3.173422],
            [1.856432, 2.585245, 3.757904],
            [-4.445859, 2.663991, 3.173422],
            [-1.856432, 2.585245, 3.757904],
            [0.0, -2.089024, 6.058267],
        ],
        np.float32,
    )

    def __init__(self, folder: Path, least_score: float = 0.0) -> None:
        self._least_score = least_score  # below 0, what is doubtful counts as a face too
        self._detector = dlib.get_frontal_face_detector()
        try:
            self._landmarks = dlib.shape_predictor(str(folder / LANDMARKS_FILE))
            self._recogniser = dlib.face_recognition_model_v1(str(folder / RECOGNISER_FILE))
        except RuntimeError as error:
            raise InputError(
                f"dlib's weights in {folder} cannot be used ({str(error).strip()}): put {LANDMARKS_FILE} and {RECOGNISER_FILE} "
                "there, or delete the damaged file and start again"
            ) from None

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        """Faces of about `min_face_px` pixels and more, largest first. Low scores are often false faces."""
        scale = _SMALLEST_FACE / min_face_px
        if min(image.shape[:2]) * scale < 1:
            return []
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
        boxes, scores, _ = self._detector.run(scaled, 0, self._least_score)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            points = self._landmarks(scaled, box)
            corners = np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1], np.float32)
            landmarks = np.array([[p.x, p.y] for p in points.parts()], np.float32)
            faces.append(Face(corners / np.float32(scale), float(score), landmarks / np.float32(scale)))
        return sorted(faces, key=lambda face: -face.size)

    def embed(self, image: Image, face: Face) -> Embedding:
        """dlib's 128 numbers, whose length is about 1.3."""
        chip = self.align(image, face, _FACE_IN_CHIP)
        return Embedding.of(np.array(self._recogniser.compute_face_descriptor(chip), np.float64))

    def align(self, image: Image, face: Face, size: int) -> Image:
        """The face as dlib's recogniser was trained to see it: upright, with a margin of a quarter."""
        cut, landmarks = close_up(image, face, size)
        corner, points = (len(cut) - size) // 2, np.rint(landmarks).astype(int).tolist()
        box = dlib.rectangle(corner, corner, corner + size, corner + size)
        shape = dlib.full_object_detection(box, [dlib.point(x, y) for x, y in points])
        return np.asarray(dlib.get_face_chip(cut, shape, size=size))
