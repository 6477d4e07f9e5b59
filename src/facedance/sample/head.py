"""A photographed head that turns, tilts and nods."""

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.sample import portrait
from facedance.sample.person import Person
from facedance.sample.portrait import Image, Points


class Head:
    """A person's head, cut out of their portrait at the size that it has in the picture."""

    def __init__(self, who: Person, height: float) -> None:
        """`height`: from the chin to the top of the hair, in pixels."""
        jaw = who.features[portrait.JAW]
        bottom = jaw[:, 1].max()
        scale = height / (bottom - who.hair[:, 1].min())
        cut = portrait.fill(np.vstack([who.hair, jaw[3:14]]), 1.0)  # the hair's outline ends below the ears
        rgba = np.dstack([who.image * cut, 255 * cut]).astype(np.float32)  # premultiplied: no fringe when it is resampled
        self._texture = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._middle, self._radius = who.middle * scale, who.radius * scale
        self._chin = np.array([jaw[8, 0], bottom], np.float32) * scale
        left_eye, right_eye = (who.features[eye].mean(0) for eye in reversed(portrait.EYES))  # the person's own left
        self._features = np.array([who.features[portrait.NOSE_TIP], left_eye, right_eye, jaw[15], jaw[1]], np.float32) * scale

    def paint(self, picture: Image, chin: Points, turn: float, tilt: float, nod: float) -> None:
        """Paint the head into the picture with its chin at `chin` (2,).

        Angles in degrees: `turn` and `tilt` to the person's left, `nod` down.
        """
        reach = np.array([1.5, 1.2]) * self._radius
        middle = chin + _rotation(tilt) @ [0, -self._radius[1]]
        x0, y0 = np.maximum(middle - reach, 0).astype(int)
        x1, y1 = np.maximum(middle + reach, 0).astype(int)
        box = picture[y0:y1, x0:x1]
        if not box.size:
            return
        y, x = np.mgrid[y0 : y0 + box.shape[0], x0 : x0 + box.shape[1]].astype(np.float32)
        points = (np.stack([x, y], -1) - chin) @ _rotation(-tilt).T + self._chin
        points = portrait.turned(points, self._middle, self._radius, turn, nod).astype(np.float32)
        head = cv2.remap(self._texture, points[..., 0], points[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        box[:] = (box * (1 - head[..., 3:] / 255) + head[..., :3]).clip(0, 255)

    def features(self, chin: Points, turn: float, tilt: float, nod: float) -> Points:
        """Nose, left and right eye, left and right ear (5, 2) in the picture, where `paint` puts them."""
        points = self._features
        for _ in range(8):  # `turned` says where a point comes from; here the question is where it goes
            points = points + self._features - portrait.turned(points, self._middle, self._radius, turn, nod)
        placed: Points = (points - self._chin) @ _rotation(tilt).T + chin
        return placed


def _rotation(degrees: float) -> NDArray[np.float32]:
    """(2, 2): leans what stands on the origin to the viewer's right."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]], np.float32)
