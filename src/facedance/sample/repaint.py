"""A portrait warped to another shape of face and painted over in other colours."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facedance.sample import portrait
from facedance.sample.portrait import Image, Points
from facedance.sample.traits import Colour, Traits

_FRAME: Colour = (40.0, 35.0, 35.0)  # of glasses


def warp(image: Image, points: Points, moved: Points) -> Image:
    """The image with `points` (N, 2) brought to `moved` by a thin-plate spline; the anchors stay."""
    anchors = np.array(portrait.ANCHORS, np.float32)
    back = RBFInterpolator(np.vstack([moved, anchors]), np.vstack([points, anchors]), smoothing=1.0)
    # The spline is smooth, so a coarse grid of it is enough.
    step = 8
    grid = np.arange(0, portrait.SIZE + step, step, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    coarse = back(np.stack([x.ravel(), y.ravel()], 1)).reshape(*x.shape, 2).astype(np.float32)
    rows, columns = np.mgrid[: portrait.SIZE, : portrait.SIZE].astype(np.float32) / step
    source = cv2.remap(coarse, columns, rows, cv2.INTER_LINEAR)
    warped: Image = cv2.remap(image, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return warped


def repaint(image: Image, features: Points, hair: Points, t: Traits) -> Image:
    """The image (512, 512, 3) with other skin, hair, brows, beard, glasses, eyes and clothes.

    `features` (68, 2) and `hair` (N, 2) say where the face and the outline of the hair are.
    """
    soft = image.astype(np.float32)
    hairline = np.array(portrait.HAIRLINE, np.float32)
    face = portrait.fill(np.vstack([hairline, features[portrait.JAW][::-1]]), 1.5)
    neck = portrait.fill(np.array(portrait.NECK, np.float32), 1.5)
    head = portrait.fill(np.vstack([hair, hairline]), 1.5)
    skin = np.maximum(face, neck)
    for part in (*portrait.EYES, portrait.TEETH):
        skin = skin * (1 - portrait.fill(features[part], 1.0))
    body = 1 - cv2.dilate(np.maximum(np.maximum(face, head), neck), np.ones((9, 9)))[..., None]
    soft = soft * (1 - body) + _turn_hue(image, t.clothes_hue) * body
    # Dark skin keeps the contrast of the features, so only what is broader than they are is dimmed.
    broad = cv2.GaussianBlur(soft, (0, 0), 10)
    soft += (broad * (np.array(t.skin, np.float32) - 1)) * skin
    hair_colour = np.array(t.hair, np.float32)
    shine = (soft.mean(-1, keepdims=True) / 110).clip(0, 1.5)
    soft = _blend(soft, head, hair_colour * shine, 1.0)
    for brow in portrait.BROWS:
        soft = _blend(soft, _stroke(features[brow], t.brow_thickness, 1.2), hair_colour * 0.6, 0.75)
    lips = portrait.fill(features[portrait.LIPS], 1.0)
    if t.beard == "full":
        chin = portrait.fill(np.vstack([features[2:15], features[[54, 53, 52, 51, 50, 49, 48]]]), 2.5)
        soft = _blend(soft, chin * (1 - lips), hair_colour * shine * 0.7, 0.8)
    if t.beard in ("full", "moustache"):
        soft = _blend(soft, _stroke(features[48:55] - [0, 4], 6, 1.5) * (1 - lips), hair_colour * shine * 0.7, 0.85)
    for eye in portrait.EYES:
        soft = _blend(soft, _disc(features[eye].mean(0), 2.4 * t.eye_size), t.iris, 0.7)
        if t.glasses:
            soft = _blend(soft, _stroke(_circle(features[eye].mean(0), 14), 1, 0.5), _FRAME, 0.9)
    if t.glasses:
        soft = _blend(soft, _stroke(features[[39, 27, 42]] + [[5, 0], [0, -4], [-5, 0]], 1, 0.5), _FRAME, 0.9)
    return soft.clip(0, 255).astype(np.uint8)


def _blend(
    image: NDArray[np.float32], mask: NDArray[np.float32], colour: Colour | NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    blended: NDArray[np.float32] = image + (np.asarray(colour, np.float32) - image) * (mask * strength)
    return blended


def _stroke(points: Points, thickness: float, softness: float) -> NDArray[np.float32]:
    mask = np.zeros((portrait.SIZE, portrait.SIZE), np.float32)
    cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 1.0, max(round(thickness), 1), cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), softness)[..., None]


def _circle(centre: Points, radius: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 33, dtype=np.float32)
    return centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1)


def _disc(centre: Points, radius: float) -> NDArray[np.float32]:
    return portrait.fill(_circle(centre, radius), 0.7)


def _turn_hue(image: Image, turn: float) -> NDArray[np.float32]:
    """The image with every hue turned by a share of the circle."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 1] = hsv[..., 1] * 0.75  # few people wear a suit as loud as an astronaut's
    hsv[..., 0] = (hsv[..., 0].astype(np.int32) + round(turn * 255)) % 256
    turned: NDArray[np.float32] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL).astype(np.float32)
    return turned
