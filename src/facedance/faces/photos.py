"""Photos as people have them, as plain RGB."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL.ExifTags import Base as ExifTag

from facedance.faces.face import Image

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
_UNDECODABLE = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, RuntimeError, struct.error, zlib.error)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class UnusablePhoto(ValueError):
    """A photo that cannot be used. The reason reads "kind: detail with numbers", so that kinds can be counted."""


def load_photo(path: Path) -> Image:
    """A photo (H, W, 3) as it is meant to be seen, at most LONGEST_SIDE pixels long.

    Turned as its EXIF says; transparency over white; the first frame of an animation.

    Raises:
        UnusablePhoto: the file is empty, no image, damaged, or of a kind that cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as error:
        raise UnusablePhoto(f"unreadable file: {error.strerror}") from None
    if not start:
        raise UnusablePhoto("empty file: it has 0 bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large photos and odd EXIF; neither matters here
            with Pillow.open(path) as image:
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # lets a large JPEG be decoded at a half, quarter or eighth
                photo, turn = _rgb(image), _TURNS.get(_orientation(image))
    except Pillow.DecompressionBombError:
        raise UnusablePhoto(f"too large: more than {2 * (Pillow.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels") from None
    except Pillow.UnidentifiedImageError:
        if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
            raise UnusablePhoto("HEIC photo: save it as JPEG, this format cannot be read here") from None
        raise UnusablePhoto("not an image: no known picture format") from None
    except _UNDECODABLE as error:
        raise UnusablePhoto(f"damaged image: {' '.join(str(error).split())[:120] or type(error).__name__}") from None
    photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    return np.asarray(photo if turn is None else photo.transpose(turn))


def _orientation(image: Pillow.Image) -> int:
    try:
        return int(image.getexif().get(ExifTag.Orientation, 1))
    except (*_UNDECODABLE, TypeError):  # damaged notes of the camera do not make the picture unusable
        return 1


def _rgb(image: Pillow.Image) -> Pillow.Image:
    if image.mode.startswith(("I", "F")):  # 16-bit grey counts to 65535; grey in floating point has white at 1
        white = 1.0 if image.mode == "F" else 65535.0
        grey = np.clip(np.asarray(image, np.float32) / white, 0, 1)  # (H, W)
        return Pillow.fromarray(np.rint(grey * 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")
