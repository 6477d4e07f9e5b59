"""The head on white that VACE takes as its reference image."""

import numpy as np

from facedance.faces.crop import square_crop
from facedance.faces.face import Face, Image

_HEAD = 2.2  # side of the square around head and hair, in sides of the face box
_RAISE = 0.2  # the hair is above the box: the square's middle lies this much higher than the box's
_SOFT_EDGE = 0.12  # width of the ellipse's soft edge, as a share of its radius


def head_on_white(image: Image, face: Face, size: int) -> Image:
    """Head and hair in a soft-edged ellipse on a white square (size, size, 3)."""
    side = _HEAD * float(max(face.box[2:] - face.box[:2]))
    centre = face.centre - np.array([0, _RAISE * side / _HEAD], np.float32)
    head = square_crop(image, centre, side, size)
    y, x = (np.mgrid[:size, :size] + 0.5) / (size / 2) - 1  # (2, size, size) from -1 to 1
    radius = np.hypot(x / 0.8, y)
    opacity = np.clip((1 - radius) / _SOFT_EDGE, 0, 1)[..., None]  # (size, size, 1)
    return np.rint(head * opacity + 255 * (1 - opacity)).astype(np.uint8)
