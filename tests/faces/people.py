"""Faces for tests: the public-domain portrait that scikit-image ships, changed in ways that keep or lose the person."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import skimage.data


def dlib_folder() -> Path:
    """Folder of dlib's weights, in the installed package that carries them."""
    spec = importlib.util.find_spec("face_recognition_models")
    return Path(spec.submodule_search_locations[0]) / "models"


def portrait():
    """Head and shoulders (300, 320, 3); the face is 90 px wide."""
    return np.ascontiguousarray(skimage.data.astronaut()[:300, 60:380])


def tilted(image, degrees):
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def lit(image, gamma):
    return np.rint(255 * (image / 255) ** gamma).astype(np.uint8)


def scaled(image, factor):
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def mirrored(image):
    return np.ascontiguousarray(image[:, ::-1])


def same_person_photos():
    """Eight pictures of one person, at dlib distances of at most 0.3 from each other."""
    image = portrait()
    return [
        image,
        mirrored(image),
        tilted(image, 8),
        tilted(image, -10),
        lit(image, 0.7),
        lit(image, 1.5),
        scaled(image, 1.5),
        scaled(lit(image, 1.2), 0.8),
    ]


def somebody_else():
    """The portrait with large eyes, a small mouth, a small nose, a narrow face and dark skin: dlib distance 0.59."""
    image = portrait()
    for centre, radius, strength in [
        ((187, 104), 24, 0.4),
        ((143, 102), 24, 0.4),
        ((164, 156), 45, -0.6),
        ((164, 128), 24, -0.5),
    ]:
        image = _bulged(image, centre, radius, strength)
    return lit(cv2.resize(image, None, fx=0.9, fy=1), np.array([2.2, 2.5, 2.8]))


def _bulged(image, centre, radius, strength):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    dx, dy = x - centre[0], y - centre[1]
    inside = np.clip(1 - (dx**2 + dy**2) / radius**2, 0, 1) ** 2
    factor = (1 - strength * inside).astype(np.float32)
    return cv2.remap(image, centre[0] + dx * factor, centre[1] + dy * factor, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
