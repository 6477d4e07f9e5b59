"""Squares cut out of pictures."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from facedance.faces.face import Face, Image

_CONTEXT = 2.2  # side of a close-up, in sides of the face's box


def square_crop(image: Image, centre: NDArray[np.float32], side: float, size: int, fill: int = 255) -> Image:
    """The square of `side` pixels around `centre` (x, y), resampled to (size, size, 3); outside the image is `fill`."""
    height, width = image.shape[:2]
    x0, y0 = (float(c) - side / 2 for c in centre)
    left, top = max(0, math.ceil(-x0)), max(0, math.ceil(-y0))
    right, bottom = max(0, math.ceil(x0 + side - width)), max(0, math.ceil(y0 + side - height))
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(fill,) * 3)
    box = (x0 + left, y0 + top, x0 + left + side, y0 + top + side)
    # Pillow's resampling, because it takes fractions of pixels and does not alias when it shrinks.
    return np.asarray(Pillow.fromarray(padded).resize((size, size), Pillow.Resampling.BICUBIC, box=box))


def close_up(image: Image, face: Face, size: int) -> tuple[Image, NDArray[np.float32]]:
    """A cut-out in which the face is `size` pixels wide, and its landmarks (5, 2) there.

    Recognisers resample with little filtering and dlib rounds landmarks to pixels: large faces would alias and small ones
    be cut coarsely, if they did it on the photo itself.
    """
    side = round(_CONTEXT * size)
    scale = np.float32(size / face.size)
    cut = square_crop(image, face.centre, side / float(scale), side, fill=0)
    return cut, (face.landmarks - face.centre) * scale + np.float32(side / 2)
