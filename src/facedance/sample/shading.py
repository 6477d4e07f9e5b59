"""Round limbs and soft shadows, painted into a picture in place and only where they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.sample.portrait import Image, Points
from facedance.sample.traits import Colour

_LIGHT = np.array([-0.4, -0.55, 0.73], np.float32)  # from the upper left; x right, y down, z to the viewer


@dataclass(frozen=True)
class Limb:
    """A part of a body from `start` to `end` (3,), whose radius runs evenly through `radii`; lengths in standing heights."""

    start: NDArray[np.floating]
    end: NDArray[np.floating]
    radii: tuple[float, ...]
    colour: Colour


def paint_limb(picture: Image, a: Points, b: Points, radii: NDArray[np.floating], colour: Colour) -> None:
    """Paint a limb lit from the upper left, with smooth edges, from `a` to `b` (2,); all in pixels."""
    x0, y0 = np.maximum(np.minimum(a, b) - radii.max() - 1, 0).astype(int)
    x1, y1 = np.maximum(np.maximum(a, b) + radii.max() + 2, 0).astype(int)
    box = picture[y0:y1, x0:x1]
    if not box.size:
        return
    y, x = np.ogrid[y0 : y0 + box.shape[0], x0 : x0 + box.shape[1]]
    from_a, axis = ((x - a[0]).astype(np.float32), (y - a[1]).astype(np.float32)), (b - a).astype(np.float32)
    along = ((from_a[0] * axis[0] + from_a[1] * axis[1]) / max(axis @ axis, 1e-6)).clip(0, 1)
    radius = np.interp(along, np.linspace(0, 1, len(radii)), radii).astype(np.float32)
    nx, ny = (from_a[0] - along * axis[0]) / radius, (from_a[1] - along * axis[1]) / radius
    off_axis = np.sqrt(nx * nx + ny * ny)  # 1 on the rim
    nz = np.sqrt((1 - off_axis * off_axis).clip(0, 1))
    light = 0.58 + 0.45 * (nx * _LIGHT[0] + ny * _LIGHT[1] + nz * _LIGHT[2]).clip(0, 1)
    cover = ((1 - off_axis) * radius + 0.5).clip(0, 1)
    lit = (np.array(colour, np.float32) * light[..., None]).clip(0, 255)
    box[:] = box + (lit - box) * cover[..., None]


def paint_shadow(picture: Image, middle: Points, radius: NDArray[np.floating]) -> None:
    """Darken an ellipse with soft edges around `middle` (2,), with half axes `radius` (2,) in pixels."""
    x0, y0 = np.maximum(middle - 2 * radius, 0).astype(int)
    x1, y1 = np.maximum(middle + 2 * radius, 0).astype(int)
    box = picture[y0:y1, x0:x1]
    y, x = np.ogrid[y0 : y0 + box.shape[0], x0 : x0 + box.shape[1]]
    dark = 1 - 0.45 * np.exp(-(((x - middle[0]) / radius[0]) ** 2) - ((y - middle[1]) / radius[1]) ** 2)
    box[:] = box * dark[..., None]
