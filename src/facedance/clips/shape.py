"""The shape of a clip: of a model's sizes the one that shows the dancer largest, and the window of the video for it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.clips.crop import center_window, dancer_window, is_inside, moving_window
from facedance.config.sections import Size
from facedance.video.window_path import Window

_WORTH = 1.15  # times: the tiny model does worse at a size that it has not learned at (PCK 0.83 instead of 0.91)


@dataclass(frozen=True)
class Shape:
    """A size of the model's, and what a clip of its shape shows of a video."""

    size: Size
    window: Window

    @property
    def scale(self) -> float:
        """Pixels of a render for each of the video's."""
        return self.size[1] / self.window[3]


def best_shape(
    boxes: NDArray[np.floating], source_size: Size, sizes: Sequence[Size], crop: str = "dancer", margin: float = 0.0
) -> Shape:
    """The shape in which the dancer is largest, among those of which nothing is black if there are any.

    The first of the sizes is a model's own, so another one has to show them larger by `_WORTH` to be taken instead of it. Of two
    others that show them equally large, to a pixel of the render, it is the one with less around them, else the first.

    Args:
        boxes: (N, 4) x0, y0, x1, y1 of the dancer in N frames, N > 0, in pixels of the video.
        source_size: of the video.
        crop: as `clips.crop`.
        margin: as `clips.margin`.
    """
    if crop == "center":
        shapes = [Shape(size, center_window(source_size, aspect(size))) for size in sizes]
        return max(shapes, key=lambda shape: shape.window[2] * shape.window[3])
    frame: Callable[[NDArray[np.floating], Size, float, float], Window] = moving_window if crop == "follow" else dancer_window
    tallest = float((boxes[:, 3] - boxes[:, 1]).max())

    def merit(shape: Shape) -> tuple[bool, int, int]:
        width, height = shape.window[2:]
        return is_inside(shape.window, source_size), round(tallest * shape.scale), -width * height

    shapes = [Shape(size, frame(boxes, source_size, aspect(size), margin)) for size in sizes]
    own, best = shapes[0], max(shapes, key=merit)
    is_worth = merit(best)[0] > merit(own)[0] or best.scale >= _WORTH * own.scale
    return best if is_worth else own


def nearest_size(source_size: Size, sizes: Sequence[Size]) -> Size:
    """The size whose shape is most like that of a picture, the first of equals."""
    return min(sizes, key=lambda size: round(abs(math.log(aspect(size) / aspect(source_size))), 6))


def aspect(size: Size) -> float:
    """Width by height."""
    return size[0] / size[1]
