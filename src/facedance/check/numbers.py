"""A picture that says who is who in a group: a number at each dancer's head."""

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.skeleton import COCO
from facedance.video.pictures import Frame

_HEAD = [COCO.index(name) for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
_DISC, _RIM, _INK = (255, 255, 255), (20, 20, 20), (20, 20, 20)
_RADIUS = 0.045  # of the picture's height
_ABOVE = 2.2  # radii from the middle of a head to that of its disc: a face stays to be seen


def clearest_frame(joints: NDArray[np.floating]) -> int:
    """The first frame in which most of the dancers are seen, of COCO's joints (P, T, 17, >= 2)."""
    return int(np.isfinite(_heads(joints)[..., 0]).sum(axis=0).argmax())


def numbered(frame: Frame, joints: NDArray[np.floating]) -> Frame:
    """A frame (H, W, 3) with the numbers of the dancers, from 1, whose joints there are (P, 17, >= 2); NaN is not there."""
    picture = frame.copy()
    height, width = picture.shape[:2]
    radius = max(round(_RADIUS * height), 6)
    for number, head in enumerate(_heads(joints), 1):
        if np.isfinite(head).all():
            x, y = (int(v) for v in np.clip(head - [0, _ABOVE * radius], radius, [width - radius, height - radius]).round())
            cv2.circle(picture, (x, y), radius, _DISC, thickness=-1, lineType=cv2.LINE_AA)
            cv2.circle(picture, (x, y), radius, _RIM, thickness=max(radius // 8, 1), lineType=cv2.LINE_AA)
            scale = radius / 14
            thick = max(round(scale * 2), 1)
            (w, h), _ = cv2.getTextSize(str(number), cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
            corner = (x - w // 2, y + h // 2)
            cv2.putText(picture, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, thick, cv2.LINE_AA)
    return picture


def _heads(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Middles (..., 2) of the heads of joints (..., 17, >= 2)."""
    middles: NDArray[np.float64] = joints[..., _HEAD, :2].mean(axis=-2).astype(np.float64)
    return middles
