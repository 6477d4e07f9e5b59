"""Photos as people have them, as plain RGB."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL.ExifTags import Base as ExifTag

from facedance.faces.colours import to_srgb
from facedance.faces.face import Image
from facedance.faces.formats import (
    PILLOW_FORMATS,
    START,
    floating_tiff,
    hdr_transfer,
    is_camera_raw,
    is_heif,
    open_heif,
    without_end,
)

LONGEST_SIDE = 2048  # pixels: recognisers take 150 at most, so more would only be slow
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}  # EXIF orientation -> how to set it upright
# What Pillow's many decoders raise on damaged files.
_UNDECODABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, RuntimeError, struct.error, zlib.error),
    *(TypeError, AttributeError, ArithmeticError, MemoryError),
)
_JPEG = b"\xff\xd8\xff"
_MOST_PIXELS = 2.0 * (Pillow.MAX_IMAGE_PIXELS or 0)  # where Pillow stops too


class UnusablePhoto(ValueError):
    """A photo that cannot be used. The reason reads "kind: detail with numbers", so that kinds can be counted."""


def load_photo(path: Path) -> Image:
    """A photo (H, W, 3) in sRGB as it is meant to be seen, at most LONGEST_SIDE pixels long.

    Turned as its EXIF says; transparency over white; the first frame of an animation.

    Raises:
        UnusablePhoto: the file is empty, no image, damaged, or of a kind that cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(START)
    except OSError as error:
        raise UnusablePhoto(f"unreadable file: {error.strerror}") from None
    if not start:
        raise UnusablePhoto("empty file: it has 0 bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large photos and odd EXIF; neither matters here
            if is_camera_raw(path, start):
                raise UnusablePhoto("camera raw file: save it as JPEG, the camera's own data cannot be read here")
            photo, turn = _decoded(path, start)
    except UnusablePhoto:
        raise
    except Pillow.DecompressionBombError:
        raise UnusablePhoto(f"too large: more than {_MOST_PIXELS / 1e6:.0f} megapixels") from None
    except Pillow.UnidentifiedImageError:
        raise UnusablePhoto("not an image: no known picture format") from None
    except _UNDECODABLE as error:
        raise UnusablePhoto(f"damaged image: {' '.join(str(error).split())[:120] or type(error).__name__}") from None
    photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    return np.asarray(photo if turn is None else photo.transpose(turn))


def _decoded(path: Path, start: bytes) -> tuple[Pillow.Image, Pillow.Transpose | None]:
    """The picture in sRGB, as it lies in the file, and how to turn it."""
    if is_heif(start):
        with path.open("rb") as file, open_heif(file) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise Pillow.DecompressionBombError
            if transfer := hdr_transfer(image):
                raise UnusablePhoto(f"HDR photo: save it as JPEG, light that is coded as {transfer} cannot be read here")
            return _read(image)
    if (floating := floating_tiff(path, start, _MOST_PIXELS)) is not None:
        return floating, None
    try:
        with Pillow.open(path, formats=PILLOW_FORMATS) as image:
            return _read(image)
    except OSError:
        if not start.startswith(_JPEG):
            raise
        ended, missing = without_end(path.read_bytes())
        if missing is not None:
            raise UnusablePhoto(f"damaged image: cut off, the picture ends in row {missing + 1}") from None
        with Pillow.open(io.BytesIO(ended), formats=PILLOW_FORMATS) as image:
            return _read(image)


def _read(image: Pillow.Image) -> tuple[Pillow.Image, Pillow.Transpose | None]:
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # lets a large JPEG be decoded at a half, quarter or eighth
    return to_srgb(image), _TURNS.get(_orientation(image))


def _orientation(image: Pillow.Image) -> int:
    try:
        return int(image.getexif().get(ExifTag.Orientation, 1))
    except (*_UNDECODABLE, TypeError):  # damaged notes of the camera do not make the picture unusable
        return 1


def read_picture(path: Path) -> Image:
    """A picture that a stage has written, (H, W, 3)."""
    return np.asarray(Pillow.open(path).convert("RGB"))
