"""The public-domain portrait that every face of the sample is made from, and where its features are.

The picture is NASA's portrait of Eileen Collins, which scikit-image ships. Points are (x, y) in its 512x512 pixels;
"left" and "right" in this module are the viewer's.
"""

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Points = NDArray[np.floating]
"""(N, 2) x, y in pixels."""

SIZE = 512

# The 68 points that face alignment customarily uses, in its order.
JAW, BROWS, NOSE, MOUTH = slice(0, 17), (slice(17, 22), slice(22, 27)), slice(27, 36), slice(48, 68)
NOSE_TIP = 30
EYES, LIPS, TEETH = (slice(36, 42), slice(42, 48)), slice(48, 60), slice(60, 68)
FEATURES: tuple[tuple[float, float], ...] = (
    *((179.8, 103.8), (180.0, 115.5), (181.0, 126.8), (182.2, 138.2), (185.0, 149.8), (191.2, 160.0), (200.0, 168.5)),
    *((209.2, 176.0), (220.8, 179.8), (232.2, 178.2), (243.5, 171.2), (253.5, 163.5), (261.0, 154.0), (265.5, 143.0)),
    *((268.5, 131.2), (270.8, 119.8), (272.0, 108.0)),
    *((186.5, 94.5), (192.5, 88.5), (200.8, 87.5), (209.2, 89.2), (217.0, 92.8)),
    *((236.2, 93.8), (244.2, 91.0), (252.5, 90.8), (260.5, 92.5), (265.8, 98.8)),
    *((226.2, 102.5), (226.0, 110.8), (225.8, 119.0), (225.5, 127.5)),
    *((214.5, 131.2), (219.5, 132.8), (224.5, 134.5), (230.0, 133.2), (234.8, 132.0)),
    *((195.2, 101.5), (200.8, 98.0), (207.2, 98.8), (213.0, 104.2), (206.8, 104.5), (200.0, 104.2)),
    *((238.0, 105.5), (244.0, 100.8), (250.5, 100.8), (255.8, 104.5), (250.8, 106.8), (244.2, 106.5)),
    *((201.0, 139.8), (209.5, 139.5), (218.2, 140.0), (223.5, 141.2), (229.8, 140.2), (237.8, 140.5), (245.8, 141.0)),
    *((237.8, 151.2), (229.2, 155.5), (222.5, 156.0), (216.5, 155.0), (208.2, 150.2)),
    *((203.8, 141.0), (217.8, 143.2), (223.2, 144.5), (229.5, 143.8), (242.8, 142.0), (229.2, 150.0), (223.0, 150.8)),
    (217.0, 149.8),
)
# From the right ear over the hair to the left ear.
HAIR: tuple[tuple[float, float], ...] = (
    *((277, 137), (283, 124), (293, 113), (299, 100), (301, 84), (298, 65), (291, 47), (279, 33), (264, 24), (247, 17)),
    *((230, 15), (210, 20), (196, 28), (180, 37), (166, 45), (157, 56), (153, 68), (154, 86), (157, 102), (164, 115)),
    (173, 130),
)
# From the left ear along the fringe to the right ear.
HAIRLINE: tuple[tuple[float, float], ...] = (
    *((172, 122), (179, 117), (183, 98), (187, 82), (196, 77), (210, 81), (228, 82), (245, 84), (258, 86), (268, 92)),
    *((272, 108), (273, 124), (279, 131)),
)
NECK: tuple[tuple[float, float], ...] = ((186, 150), (187, 180), (195, 185), (233, 190), (250, 186), (253, 178), (262, 150))
# Points that stay where they are when a face is warped.
ANCHORS: tuple[tuple[float, float], ...] = (
    *((0, 0), (128, 0), (256, -20), (384, 0), (511, 0), (0, 128), (511, 128), (0, 256), (511, 256), (120, 60), (340, 60)),
    *((120, 180), (187, 196), (220, 200), (255, 196), (340, 180), (0, 511), (170, 511), (340, 511), (511, 511)),
)


def load() -> Image:
    """The portrait (512, 512, 3)."""
    picture: Image = skimage.data.astronaut()
    return picture


def fill(polygon: Points, softness: float, shape: tuple[int, int] = (SIZE, SIZE)) -> NDArray[np.float32]:
    """Mask (H, W, 1) in 0..1 of a polygon (N, 2), its edge blurred by `softness` pixels (standard deviation)."""
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], 1.0, lineType=cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), softness)[..., None]


def turned(points: Points, middle: Points, radius: Points, yaw: float, pitch: float) -> Points:
    """Where in the picture of a face `points` (..., 2) of the turned face come from.

    The head is a paraboloid over the ellipse with `middle` (2,) and half axes `radius` (2,): near parts move, the rim stays.
    Positive yaw (degrees) turns the nose to the viewer's right, positive pitch down.
    """
    depth = (1 - (((points - middle) / radius) ** 2).sum(-1, keepdims=True)).clip(0, None) * 0.75 * radius[0]
    source: Points = points - depth * np.sin(np.radians([yaw, pitch])).astype(np.float32)
    return source
