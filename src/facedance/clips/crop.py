"""The part of a video that a clip shows.

A window is x, y, width, height in whole pixels of the source. It reaches over the picture's edge only where the dancer needs
more room than the picture has in one direction: that part is black.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.video.pictures import Frame
from facedance.video.window_path import Window

_SPARE = 0.04
"""Of the dancer's height: so much may go on each side before anything is black. It is half of what a body's box adds to the
joints (`facedance.clips.in_view`), so hands and feet stay."""


def dancer_window(boxes: NDArray[np.floating], source_size: tuple[int, int], aspect: float, margin: float) -> Window:
    """The smallest window that keeps the dancer in view in all frames, inside the picture if the dancer fits there.

    Args:
        boxes: (N, 4) x0, y0, x1, y1 of the dancer in N frames, N > 0.
        source_size: width and height of the picture.
        aspect: the window's width by its height.
        margin: space around the boxes, as a share of the tallest one's height, as far as the picture has it.
    """
    tallest = (boxes[:, 3] - boxes[:, 1]).max()
    low, high = np.floor(boxes[:, :2].min(axis=0)), np.ceil(boxes[:, 2:].max(axis=0))
    low, high = np.clip(low, 0, source_size).astype(int), np.clip(high, 0, source_size).astype(int)
    whole, spare = _around(low, high, source_size, aspect, int(margin * tallest)), int(_SPARE * tallest)
    if is_inside(whole, source_size):
        return whole
    tight = _around(low + spare, high - spare, source_size, aspect, spare)
    return tight if is_inside(tight, source_size) else whole


def moving_window(boxes: NDArray[np.floating], source_size: tuple[int, int], aspect: float, margin: float) -> Window:
    """The smallest window that has room for the dancer in each frame, if it moves with them; where it begins says nothing.

    Args: as of `dancer_window`.
    """
    middle, size = np.array(source_size) / 2, np.array(source_size)
    seen = np.clip(boxes, 0, np.tile(size, 2))
    half = (seen[:, 2:] - seen[:, :2]).max(axis=0) / 2
    return dancer_window(np.concatenate([middle - half, middle + half])[None], source_size, aspect, margin)


def is_inside(window: Window, source_size: tuple[int, int]) -> bool:
    """Whether nothing of a window is beyond the picture's edge."""
    x, y, w, h = window
    return x >= 0 and y >= 0 and x + w <= source_size[0] and y + h <= source_size[1]


def covered(window: Window, source_size: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """Where a window's picture of `size` (width, height) is not black: x0, y0, x1, y1 (4,) in its pixels."""
    corner, extent = np.array(window[:2]), np.array(window[2:])
    edges = np.concatenate([np.maximum(-corner, 0), np.minimum(np.array(source_size) - corner, extent)])
    return (edges * np.tile(np.array(size) / extent, 2)).astype(np.float32)


def center_window(source_size: tuple[int, int], aspect: float) -> Window:
    """The largest window inside the picture, in its middle."""
    width, height = source_size
    w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
    return (width - w) // 2, (height - h) // 2, w, h


def whole_window(source_size: tuple[int, int], aspect: float) -> Window:
    """The smallest window around the whole picture."""
    return dancer_window(np.array([[0, 0, *source_size]], float), source_size, aspect, margin=0)


def crop_and_resize(frame: Frame, window: Window, size: tuple[int, int]) -> Frame:
    """The window of a frame (H, W, 3), with black beyond its edges, at `size` (width, height)."""
    x, y, w, h = window
    part = frame[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)]
    if part.shape[:2] != (h, w):
        top, left = max(-y, 0), max(-x, 0)
        bottom, right = h - top - part.shape[0], w - left - part.shape[1]
        part = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    # Area averaging keeps fine patterns from flickering when a picture shrinks, and shows blocks when it grows.
    method = cv2.INTER_AREA if w >= size[0] else cv2.INTER_CUBIC
    resized: Frame = cv2.resize(np.ascontiguousarray(part), size, interpolation=method)
    return resized


def _around(
    low: NDArray[np.integer], high: NDArray[np.integer], source_size: tuple[int, int], aspect: float, wanted: int
) -> Window:
    """The window around a part of the picture, with `wanted` pixels of space around it as far as the picture has them."""
    width, height = source_size
    fitting = np.array(center_window(source_size, aspect)[2:])
    space = np.minimum(wanted, np.maximum(fitting - (high - low), 0) // 2)
    (x0, y0), (x1, y1) = np.clip(low - space, 0, source_size), np.clip(high + space, 0, source_size)
    w = max(int(x1 - x0), int(np.ceil((y1 - y0) * aspect - 1e-6)), 1)
    h = max(round(w / aspect), 1)
    return _place(int(x0 + x1), w, width), _place(int(y0 + y1), h, height), w, h


def _place(double_middle: int, length: int, available: int) -> int:
    """Start of a stretch around a middle, moved inside what is available, or centred on it when it is too long."""
    if length > available:
        return (available - length) // 2
    return min(max((double_middle - length) // 2, 0), available - length)
