"""Regions of a scene that are to be made anew, and a scene seen through a window that follows the head."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facedance.poses.skeleton import COCO
from facedance.video.pictures import Frames
from lab.world.scene import OVERSAMPLING, Scene, drawn, small

Mask = NDArray[np.bool_]
"""(T, H, W): true where a picture is to be made."""

_WRISTS = [COCO.index("left_wrist"), COCO.index("right_wrist")]
_LARGER, _HANDS = (1.15, 1.9), 0.2  # sides of a region in those of the head, and the share of regions that lie around a hand
_WINDOW = (1.5, 2.4)  # sides of the window, in heights of the head
_STEADY = 3.0  # frames: deviation of the weights over which a window's way is averaged


@dataclass(frozen=True)
class CloseUp:
    """T frames through the window, enlarged to the model's size."""

    frames: Frames  # (T, side, side, 3) sharp where they are to be made, and as given elsewhere
    control: Frames  # (T, side, side, 3) the pose, drawn in the window
    mask: Mask
    heads: NDArray[np.float32]  # (T, 4) in pixels
    large: Frames  # (T, 2 side, 2 side, 3) sharp everywhere


def given_first(frames: int, given: int, side: int) -> Mask:
    """All is to be made but the first frames."""
    mask = np.ones((frames, side, side), bool)
    mask[:given] = False
    return mask


def head_region(scene: Scene, rng: np.random.Generator) -> Mask:
    """A box around the head, larger than it, or around a hand; it moves as a window would, smoothly."""
    side = scene.frames.shape[1]
    size = np.ptp(scene.heads.reshape(-1, 2, 2), axis=1).mean(0) * rng.uniform(*_LARGER)  # (2,) width and height
    middles = (scene.heads[:, :2] + scene.heads[:, 2:]) / 2
    if rng.random() < _HANDS:
        middles = scene.joints[:, rng.choice(_WRISTS)] / OVERSAMPLING
    return boxes_mask(steady(middles), size, side)


def boxes_mask(middles: NDArray[np.floating], size: NDArray[np.floating], side: int) -> Mask:
    """Boxes of one size (2,) around middles (T, 2)."""
    y, x = np.mgrid[:side, :side] + 0.5
    away = np.abs(np.stack([x, y], -1) - middles[:, None, None])  # (T, H, W, 2)
    mask: Mask = (away < size / 2).all(-1)
    return mask


def steady(middles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Places (T, 2), averaged over time."""
    way: NDArray[np.float64] = gaussian_filter1d(middles.astype(np.float64), _STEADY, axis=0, mode="nearest")
    return way


def close_up(
    scene: Scene, poses: NDArray[np.float32], side: int, worn: Callable[[Frames], Frames], rng: np.random.Generator
) -> CloseUp:
    """A window around the head that follows it; in it the head is to be made sharp, and what is around it is what a render has.

    Args:
        scene: in pictures at least as large as the window is shown.
        poses: OpenPose's joints (T, 18, 3) in pixels of its `large` pictures.
        worn: what a render makes of pictures (T, side, side, 3) of the whole scene.
    """
    source = scene.large.shape[1]
    heads = scene.heads * source / scene.frames.shape[1]
    tall = float(np.mean(heads[:, 3] - heads[:, 1]))
    window = tall * rng.uniform(*_WINDOW)
    middles = steady((heads[:, :2] + heads[:, 2:]) / 2) + rng.normal(0, 0.06 * tall, 2)
    corners = (middles - window / 2).astype(np.float32)  # (T, 2)
    large = _cut(scene.large, corners, window, OVERSAMPLING * side)
    whole = worn(np.stack([small(frame, side) for frame in scene.large]))
    around = _cut(whole, corners * side / source, window * side / source, side)
    inside = (heads - np.tile(corners, 2)) * side / window
    mask = boxes_mask(
        steady((inside[:, :2] + inside[:, 2:]) / 2),
        np.ptp(inside.reshape(-1, 2, 2), axis=1).mean(0) * rng.uniform(1.05, 1.4),
        side,
    )
    sharp = np.stack([small(frame, side) for frame in large])
    seen = poses.copy()
    seen[..., :2] = (poses[..., :2] - corners[:, None]) * OVERSAMPLING * side / window
    return CloseUp(np.where(mask[..., None], sharp, around), drawn(seen, side), mask, inside.astype(np.float32), large)


def _cut(frames: Frames, corners: NDArray[np.floating], window: float, side: int) -> Frames:
    """Windows of a side from corners (T, 2) in frames (T, H, W, 3), as (T, side, side, 3); beyond the edge it is repeated."""
    scale = side / window
    moves = (np.array([[scale, 0, 0.5 * scale - 0.5 - scale * x], [0, scale, 0.5 * scale - 0.5 - scale * y]]) for x, y in corners)
    return np.stack(
        [
            cv2.warpAffine(frame, move, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            for frame, move in zip(frames, moves, strict=True)
        ]
    )
