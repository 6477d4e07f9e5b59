"""Poses drawn as Wan2.1-VACE has seen them.

The drawing of ali-vilab/VACE's pose annotator (vace/annotators/dwpose/util.py, `pose_body`), which goes back to OpenPose's: limbs
are filled ellipses dimmed to 60 %, joints are discs at full colour over them, on black, drawn large and then made smaller.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.config.render_settings import HeadJoints
from facedance.config.sections import Poses
from facedance.poses.skeleton import COLOURS, FACE, LIMBS, OPENPOSE, to_openpose

_LIMB_HALF_WIDTH = 4
_JOINT_RADIUS = 4
_FACE_RADIUS = 3
_WHITE = (255, 255, 255)
_LIMB_LIGHT = 0.6

_HEAD_LIGHT: dict[HeadJoints, float] = {"full": 1.0, "weak": 0.5, "none": 0.0}


def draw_pose(
    joints: NDArray[np.floating],
    width: int,
    height: int,
    drawing_side: int,
    *,
    min_confidence: float = 0.3,
    face: NDArray[np.floating] | None = None,
    head: HeadJoints = "full",
) -> NDArray[np.uint8]:
    """The picture (height, width, 3) RGB of one body, or of several.

    Args:
        joints: (18, 3) OpenPose's joints: x, y in pixels of the picture and confidence; or (P, 18, 3) of P bodies.
        drawing_side: short side in pixels at which strokes of VACE's widths are drawn; 1024 is what VACE does. The picture is
            then resized by area.
        min_confidence: joints at or below it, or at no finite place, are left out, and with them their limbs.
        face: (N, 3) points of all faces, drawn as white dots over the bodies.
        head: how nose, eyes, ears and the points of faces are drawn.
    """
    canvas_width, canvas_height = _canvas_size(width, height, drawing_side)
    scale = np.array([canvas_width / width, canvas_height / height])
    canvas = np.zeros((canvas_height, canvas_width, 3), np.uint8)
    bodies = joints.reshape(-1, len(OPENPOSE), 3)
    people = [dict(zip(OPENPOSE, _places(body, scale, min_confidence), strict=True)) for body in bodies]
    light = dict.fromkeys(FACE, _HEAD_LIGHT[head])
    if head == "none":
        people = [{name: None if name in FACE else place for name, place in places.items()} for places in people]
    # As VACE draws several people: a limb of everybody, then the next one, and all joints over all limbs.
    for (start, end), colour in zip(LIMBS, COLOURS, strict=False):  # there are 18 colours, one for each joint, and 17 limbs
        for places in people:
            a, b = places[start], places[end]
            if a is not None and b is not None:
                # VACE dims the whole canvas once all limbs are drawn, which is the same as dimming each colour.
                cv2.fillConvexPoly(canvas, _limb(a, b), _dimmed(colour, _LIMB_LIGHT * light.get(end, 1.0)))
    for name, colour in zip(OPENPOSE, COLOURS, strict=True):
        for places in people:
            if (place := places[name]) is not None:
                dimmed = _dimmed(colour, light.get(name, 1.0))
                cv2.circle(canvas, (int(place[0]), int(place[1])), _JOINT_RADIUS, dimmed, thickness=-1)
    dots = _places(face, scale, min_confidence) if face is not None and head != "none" else []
    for place in dots:
        if place is not None:
            cv2.circle(canvas, (int(place[0]), int(place[1])), _FACE_RADIUS, _dimmed(_WHITE, _HEAD_LIGHT[head]), thickness=-1)
    drawn = [place for place in [*(place for places in people for place in places.values()), *dots] if place is not None]
    return _resized(canvas, drawn, width, height)


def control_frames(
    joints: NDArray[np.float32],
    names: tuple[str, ...],
    params: Poses,
    size: tuple[int, int],
    drawing_side: int,
    *,
    head: HeadJoints = "full",
) -> Iterator[NDArray[np.uint8]]:
    """Control frames (H, W, 3) of a clip of this width and height, of joints (P, T, J, 4) of P dancers."""
    flat = joints[..., [0, 1, 3]]
    bodies = to_openpose(flat, names)  # (P, T, 18, 3)
    faces = flat[:, :, [names.index(name) for name in names if name in FACE]]
    for t in range(joints.shape[1]):
        yield draw_pose(
            bodies[:, t],
            *size,
            drawing_side,
            min_confidence=params.min_visibility,
            face=faces[:, t].reshape(-1, 3) if params.face_dots else None,
            head=head,
        )


def _canvas_size(width: int, height: int, drawing_side: int) -> tuple[int, int]:
    """Width and height with the short side at `drawing_side`; at 1024 both are multiples of 64, as in VACE."""
    step = drawing_side // 16
    scale = drawing_side / min(width, height)
    return max(round(width * scale / step), 1) * step, max(round(height * scale / step), 1) * step


def _dimmed(colour: tuple[int, int, int], light: float) -> list[int]:
    return [int(c * light) for c in colour]


_Place = tuple[float, float]


def _places(points: NDArray[np.floating], scale: NDArray[np.floating], min_confidence: float) -> list[_Place | None]:
    """Points (N, 3) on the canvas; None for those that are not to be drawn."""
    shown = np.isfinite(points).all(axis=1) & (points[:, 2] > min_confidence)
    # Far outside the picture OpenCV's fixed-point coordinates would overflow.
    scaled = np.clip(points[:, :2] * scale, -1e5, 1e5)
    return [(float(x), float(y)) if ok else None for (x, y), ok in zip(scaled, shown, strict=True)]


def _limb(a: _Place, b: _Place) -> NDArray[np.int32]:
    """Outline of the ellipse from a to b, with VACE's truncations to whole pixels and degrees."""
    centre = int((a[0] + b[0]) / 2), int((a[1] + b[1]) / 2)
    half_length = int(math.dist(a, b) / 2)
    angle = int(math.degrees(math.atan2(a[1] - b[1], a[0] - b[0])))
    return np.asarray(cv2.ellipse2Poly(centre, (half_length, _LIMB_HALF_WIDTH), angle, 0, 360, 1))


def _resized(canvas: NDArray[np.uint8], drawn: list[_Place], width: int, height: int) -> NDArray[np.uint8]:
    """The canvas resized by area to (height, width, 3). Only the part around what is `drawn` is computed: the rest is black."""
    picture = np.zeros((height, width, 3), np.uint8)
    if drawn:
        source_x, target_x = _span([x for x, _ in drawn], canvas.shape[1], width)
        source_y, target_y = _span([y for _, y in drawn], canvas.shape[0], height)
        part = canvas[source_y, source_x]
        size = target_x.stop - target_x.start, target_y.stop - target_y.start
        if min(size) > 0:
            picture[target_y, target_x] = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return picture


def _span(drawn: list[float], source: int, target: int) -> tuple[slice, slice]:
    """The pixels of a side that hold all that is drawn, before and after resizing from `source` to `target` pixels.

    They begin and end where a pixel of the one side begins with a pixel of the other, so that each pixel comes out the same
    as if the whole side were resized.
    """
    common = math.gcd(source, target)
    block = source // common
    reach = _JOINT_RADIUS + 2 + block
    first = min(max(int(min(drawn) - reach) // block, 0), common)
    last = min(max(int(max(drawn) + reach) // block + 1, 0), common)
    return slice(first * block, last * block), slice(first * (target // common), last * (target // common))
