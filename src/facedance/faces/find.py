"""The face that a photo is about, in photos that lie on their side too."""

from dataclasses import dataclass

import numpy as np

from facedance.faces.face import Face, FaceBackend, Image
from facedance.faces.photos import UnusablePhoto
from facedance.faces.quality import head_pose
from facedance.faces.select import main_face

_LEAST_SIDE = 20  # pixels: no recogniser sees a face in less
_SURE_BY = 0.2  # of a detector's score: so much surer is a face that is one than what looks like one by chance
_SIDEWAYS = 50  # degrees of tilt, beyond which another side of the photo may be the upper one
_SHARE = 16  # sides of a face in the longer side of a photo: smaller ones are not looked for in photos that are turned


@dataclass(frozen=True)
class Sighting:
    """A face in a photo that stands upright."""

    image: Image  # (H, W, 3), turned
    face: Face
    turn: int  # degrees by which the photo was turned, clockwise: 0, 90, 180 or 270


def find_face(image: Image, backend: FaceBackend, min_face_px: int, min_score: float) -> Sighting:
    """The face that a photo is about. When none is seen for sure, the photo is turned by quarters, as some lose their EXIF.

    Raises:
        UnusablePhoto: there is no face, or another one is about as large; or the photo is too small for one.
    """
    height, width = image.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        raise UnusablePhoto(f"too small: {width} x {height} pixels are too few for a face")
    faces = backend.detect(image, min_face_px)
    best = max(faces, key=lambda face: face.score, default=None)
    upright = best is not None and not _lies(best, backend)
    beaten = max(best.score, min_score) if best is not None and upright else min_score
    if upright and beaten >= min_score + _SURE_BY:
        return Sighting(image, main_face(faces, min_score), 0)
    turn = _best_turn(image, backend, max(min_face_px, max(height, width) // _SHARE), beaten + _SURE_BY)
    if not turn:
        return Sighting(image, main_face(faces, min_score), 0)
    image = turned(image, turn)
    try:
        return Sighting(image, main_face(backend.detect(image, min_face_px), min_score), turn)
    except UnusablePhoto as error:
        raise UnusablePhoto(f"{error} (the photo was turned by {turn} degrees)") from None


def turned(image: Image, degrees: int) -> Image:
    """A photo turned clockwise by quarters."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def _best_turn(image: Image, backend: FaceBackend, min_face_px: int, least: float) -> int:
    """The turn in which the surest upright face is seen; 0 when none reaches the score `least`."""
    best, scores = 0, {}
    for turn in (90, 180, 270):
        found = backend.detect(turned(image, turn), min_face_px)
        scores[turn] = max((face.score for face in found if not _lies(face, backend)), default=-np.inf)
        best = turn if scores[turn] > scores.get(best, least) else best
    return best


def _lies(face: Face, backend: FaceBackend) -> bool:
    return abs(head_pose(face.landmarks, backend.face_model).roll) > _SIDEWAYS
