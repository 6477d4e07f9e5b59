"""Copies of one photo: saved again, made smaller, sent by a messenger. They say nothing new, so one of them counts."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from facedance.faces.face import Face, Image

_LONGEST_SIDE = 768  # pixels that are kept of a photo
_AROUND = 1.4  # side of what is compared, in sides of the face
_SIDE = 32  # pixels at which faces are compared
_SOFT = 1.0  # standard deviation in pixels: blurs what JPEG does to them
# Of the contrast. Copies differ by 0.002 to 0.020 (JPEG quality 30 and better, 0.4 of the size and more, four ways to shrink),
# photos of a burst in which the face has moved by 1/200 of its width by 0.033 to 0.035, by 1/100 by 0.064 to 0.069.
_SAME = 0.022
_SAME_PLACE = 0.02  # of the picture's size


@dataclass(frozen=True)
class Look:
    """What a photo looks like: enough to tell copies of it."""

    grey: NDArray[np.uint8]  # (H, W) at most _LONGEST_SIDE long
    face: NDArray[np.float64]  # (4,) x0, y0, x1, y1 as shares of width and height
    rank: tuple[int, int]  # of copies, the one with the largest counts: pixels, and bytes of the file

    @classmethod
    def at(cls, image: Image, face: Face, file_bytes: int) -> "Look":
        """The look of an image (H, W, 3) with a face."""
        height, width = image.shape[:2]
        small = Pillow.fromarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Pillow.Resampling.BOX)
        return cls(np.asarray(small), face.box / np.array([width, height] * 2, float), (width * height, file_bytes))


def copies(looks: Mapping[str, Look]) -> dict[str, str]:
    """The photos that are copies of a better one, by name, and of which."""
    found: dict[str, str] = {}
    kept: list[str] = []
    for name in sorted(looks, key=lambda n: (*(-r for r in looks[n].rank), n)):
        first = next((other for other in kept if _same(looks[other], looks[name])), None)
        if first is None:
            kept.append(name)
        else:
            found[name] = first
    return found


def _same(a: Look, b: Look) -> bool:
    shapes = np.array([a.grey.shape, b.grey.shape])
    if abs(np.subtract(*np.log(shapes[:, 0] / shapes[:, 1]))) > _SAME_PLACE or np.abs(a.face - b.face).max() > 5 * _SAME_PLACE:
        return False
    first, second = (_patch(look.grey, a.face) for look in (a, b))
    return float(np.sqrt(np.square(first - second).mean())) <= _SAME * float(first.std())


def _patch(grey: NDArray[np.uint8], face: NDArray[np.float64]) -> NDArray[np.float32]:
    """What is around a face (_SIDE, _SIDE), softened."""
    size = np.array([grey.shape[1], grey.shape[0]] * 2, float)
    middle, half = (face[:2] + face[2:]) / 2, (face[2:] - face[:2]) / 2 * _AROUND
    box = np.clip(np.concatenate([middle - half, middle + half]), 0, 1) * size
    patch = Pillow.fromarray(grey).resize((_SIDE, _SIDE), Pillow.Resampling.LANCZOS, box=tuple(box.tolist()))
    return np.asarray(cv2.GaussianBlur(np.asarray(patch, np.float32), (0, 0), _SOFT))
