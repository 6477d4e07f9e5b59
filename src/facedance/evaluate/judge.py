"""A second judge of whose face it is: where 68 landmarks lie, and nothing of how the face looks.

It shares no weights with the recogniser whose embeddings the model is conditioned on, so a render that only pleases the
recogniser does not please it. Its predictor learned from the 300-W photos, whose licence excludes commercial use: it is used
where it is installed, for judging, and is never copied.
"""

import importlib.util
import logging
from pathlib import Path

import dlib
import numpy as np
from numpy.typing import NDArray

from facedance.faces.crop import close_up
from facedance.faces.face import Face, Image
from facedance.job import InputError
from facedance.models.manifest import FileFacts, check_file

_log = logging.getLogger("facedance")

POINTS = 68

Shape = NDArray[np.float64]
"""(68, 2) x to the viewer's right and y down, upright, symmetric, around 0, with a root mean square radius of 1."""

_PACKAGE, _FILE = "face_recognition_models", "shape_predictor_68_face_landmarks.dat"
_FACTS = FileFacts(99693937, "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f")
_FACE_PX = 256  # the predictor gives whole pixels: in a close-up of this size they are fine enough

# Which point each one becomes in a mirror: jaw, brows, bridge, nostrils, eyes, outer and inner lips.
_MIRRORED = np.array([
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65,
])  # fmt: skip


class LandmarkJudge:
    """dlib's 68 landmarks (Kazemi and Sullivan, CVPR 2014) of a detected face, as a shape."""

    def __init__(self, predictor: Path) -> None:
        self._predictor = dlib.shape_predictor(str(predictor))

    def shape(self, image: Image, face: Face) -> Shape:
        """The shape (68, 2) of a face in an image (H, W, 3)."""
        cut, _ = close_up(image, face, _FACE_PX)
        corner = (len(cut) - _FACE_PX) // 2
        found = self._predictor(cut, dlib.rectangle(corner, corner, corner + _FACE_PX, corner + _FACE_PX))
        return shape_of(np.array([[point.x, point.y] for point in found.parts()], np.float64))


def installed_predictor() -> Path:
    """The predictor's file in the installed package that carries it.

    Raises:
        InputError: the package is not installed, or the file is missing or damaged.
    """
    spec = importlib.util.find_spec(_PACKAGE)  # found, not imported: importing it needs a module that is gone
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the package {_PACKAGE} is not installed: run `make install`, or `pip install {_PACKAGE}`")
    path = Path(spec.submodule_search_locations[0]) / "models" / _FILE
    check_file(path, _FACTS, f"install {_PACKAGE} again (pip install --force-reinstall --no-deps {_PACKAGE})")
    return path


def open_landmark_judge() -> LandmarkJudge | None:
    """The judge, or None where its predictor is not installed, of which the log tells."""
    try:
        return LandmarkJudge(installed_predictor())
    except InputError as error:
        _log.warning("no second judge: %s", error)
        return None


def shape_of(landmarks: NDArray[np.floating]) -> Shape:
    """The shape of landmarks (68, 2) in pixels, whatever their place, size and tilt.

    It is the mean of the face and its mirror image. To first order a turned head moves landmarks one way and its mirror
    image the other, so the mean is that of the face seen from the front; what is lost is how a face is lopsided.
    """
    upright = _upright(_unit(landmarks.astype(np.float64)))
    return _unit((upright + _mirror(upright)) / 2)


def mean_shape(shapes: NDArray[np.floating]) -> Shape | None:
    """The mean of shapes (S, 68, 2), of which those that are NaN do not count; None when all are NaN."""
    known = shapes[~np.isnan(shapes).any(axis=(1, 2))]
    return known.mean(axis=0) if len(known) else None


def shape_distance(a: Shape, b: Shape) -> float:
    """Procrustes distance: root mean square distance of the points, in radii of the face."""
    return float(np.sqrt(((a - b) ** 2).sum(axis=1).mean()))


def _unit(points: NDArray[np.float64]) -> Shape:
    centred = points - points.mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=1).mean())


def _mirror(shape: Shape) -> Shape:
    return shape[_MIRRORED] * [-1, 1]


def _upright(shape: Shape) -> Shape:
    """Turned so that it lies best on its own mirror image: by half the turn from the one to the other."""
    here, there = (points @ [1, 1j] for points in (shape, _mirror(shape)))
    half_turn = np.sqrt(np.vdot(here, there))  # of the two roots the one with a tilt of at most 90 degrees
    turned = here * half_turn / abs(half_turn)
    return np.stack([turned.real, turned.imag], axis=1)
