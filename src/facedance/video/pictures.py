"""From a decoded frame to the picture that a player shows: colours, square pixels, upright, one size."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from facedance.video.colour import Colours
from facedance.video.opening import open_media, pictures_of

Frame = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Frames = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""

_SQUARE = 0.01  # pixels count as square when their sides differ by less: nobody sees it, and resampling blurs
AS_STORED = False, False, False
"""The orientation of a frame that is upright as it is decoded."""

_TURNED = {90: (True, False, True), 180: (False, True, True), 270: (True, True, False)}  # degrees to the left
_WIDEST = 4  # a pixel that is called longer than this is a wrong header


class Upright:
    """Turns the frames of one video into pictures (H, W, 3), all of the size of the first one that it sees."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._first: tuple[int, int] | None = None
        self._aspect: Fraction | None = None
        self._colours = Colours()

    def size(self, picture: av.VideoFrame) -> tuple[int, int]:
        """Width and height in pixels of all pictures of this video, of which `picture` is the first, if none was before."""
        if self._first is None:
            self._first = self._turned_size(picture)
        return self._first

    def rgb(self, picture: av.VideoFrame) -> Frame:
        """The picture of a frame."""
        size = self.size(picture)
        coded = self._colours.rgb(picture)
        square = self._square(picture.width, picture.height)
        if square != (picture.width, picture.height):
            coded = cv2.resize(coded, square, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        sideways, mirrored, flipped = orientation(picture)
        turned = coded.transpose(1, 0, 2) if sideways else coded
        turned = turned[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        return _fitted(np.ascontiguousarray(turned), size)

    def told(self, picture: av.VideoFrame) -> list[str]:
        """What is done to a frame beyond decoding it, in a few words each."""
        told = [self._colours.told(picture)]
        if self._square(picture.width, picture.height) != (picture.width, picture.height):
            told.append(f"pixels of {self._ratio()} made square")
        if self._turned_size(picture) != self.size(picture):
            told.append("frames of another size brought to that of the first")
        return [text for text in told if text]

    def _turned_size(self, picture: av.VideoFrame) -> tuple[int, int]:
        width, height = self._square(picture.width, picture.height)
        return (height, width) if orientation(picture)[0] else (width, height)

    def _square(self, width: int, height: int) -> tuple[int, int]:
        """The size with square pixels: the shorter side of a pixel is stretched, so that nothing is lost."""
        ratio = float(self._ratio())
        return (round(width * ratio), height) if ratio >= 1 else (width, round(height / ratio))

    def _ratio(self) -> Fraction:
        if self._aspect is None:
            with open_media(self._path) as container:
                stream = pictures_of(container)
                said = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
            sane = Fraction(1, _WIDEST) <= said <= _WIDEST and abs(said - 1) >= _SQUARE
            self._aspect = said if sane else Fraction(1)
        return self._aspect


def orientation(picture: av.VideoFrame) -> tuple[bool, bool, bool]:
    """Whether rows and columns change places, and then left and right, and top and bottom, to bring a frame upright.

    The display matrix (ISO/IEC 14496-12) maps stored (x, y) to shown (a x + c y, b x + d y).
    """
    try:
        matrix = picture.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # PyAV gives nothing that lies beside a frame where some of it, like EXIF's, is of a kind that it lacks
        return _TURNED.get(picture.rotation % 360, AS_STORED)
    if matrix is None:
        return AS_STORED
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def _fitted(picture: Frame, size: tuple[int, int]) -> Frame:
    """The whole picture at `size` (width, height), with black beside it where its shape is another."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    scale = min(size[0] / width, size[1] / height)
    inner = max(round(width * scale), 1), max(round(height * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    out = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    out[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=how)
    return out
