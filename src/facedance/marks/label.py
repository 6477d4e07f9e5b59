"""The label that everybody can see."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from facedance.config.marks import Label
from facedance.video.pictures import Frame

_AROUND = 0.5  # of the letters' height: from them to the label's edge, and from there to the picture's
_DARK = 0.6  # how much of the picture the label's ground hides


def labelled(frames: Iterable[Frame], label: Label, fps: float) -> Iterator[Frame]:
    """Frames (H, W, 3) with the label in those of its time."""
    left = None if label.seconds is None else round(label.seconds * fps)
    drawn: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    for number, frame in enumerate(frames):
        if left is not None and number >= left:
            yield frame
            continue
        drawn = drawn or _drawn(label, frame.shape[0], frame.shape[1])
        white, shade = drawn
        yield (frame * shade + white).round().astype(np.uint8)


def _drawn(label: Label, height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is added to a frame, and what it is multiplied by before: both (H, W, 1)."""
    size = max(6, round(label.size * min(height, width)))
    font = ImageFont.load_default(size)
    x0, y0, x1, y1 = font.getbbox(label.text)
    around = round(_AROUND * size)
    wide, high = round(x1 - x0) + 2 * around, round(y1 - y0) + 2 * around
    vertical, horizontal = label.place.split()
    left = width - wide - around if horizontal == "right" else around
    top = around if vertical == "top" else height - high - around
    ground, text = Image.new("L", (width, height)), Image.new("L", (width, height))
    ImageDraw.Draw(ground).rounded_rectangle((left, top, left + wide - 1, top + high - 1), around, fill=255)
    ImageDraw.Draw(text).text((left + around - x0, top + around - y0), label.text, font=font, fill=255)
    letters = np.asarray(text, np.float32)[..., None] / 255
    shade = ((1 - _DARK * np.asarray(ground, np.float32)[..., None] / 255) * (1 - letters)).astype(np.float32)
    return (255 * letters).astype(np.float32), shade
