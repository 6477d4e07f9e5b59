"""What Pillow alone does not read as people mean it: HEIC, camera raw, JPEGs without their end, floating-point colours."""

import io
import re
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from pillow_heif import HeifImageFile

from facedance.faces.colours import eight_bits

PILLOW_FORMATS = (
    *("JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "JPEG2000"),
    *("BMP", "DIB", "PPM", "TGA", "PCX", "PSD", "QOI", "SGI", "ICO", "ICNS"),
)
"""Kinds that photos come in. Pillow knows more, some of which run other programs on the file."""

START = 16  # bytes by which a kind is told

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RAW_SUFFIX = re.compile(
    r"\.(3fr|arw|cr[23w]|dcr|dng|erf|fff|gpr|iiq|k25|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2|rwl|sr[2fw]|x3f)", re.IGNORECASE
)
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_WIDTH, _HEIGHT, _SAMPLES, _SAMPLE_FORMAT, _DNG_VERSION = 256, 257, 277, 339, 50706  # tags of TIFF
_FLOATING = 3  # a sample format

_END = b"\xff\xd9"  # of a JPEG
_OTHER_BITS = bytes(range(1, 200)) * 8


def is_camera_raw(path: Path, start: bytes) -> bool:
    """Whether a file is a camera's raw one. Pillow would take the thumbnail in it for the photo, where it opens it at all."""
    if start.startswith(_RAW_STARTS) or start[8:10] == b"CR" or start[4:12] == b"ftypcrx ":
        return True
    if not start.startswith(_TIFFS):
        return False
    return _RAW_SUFFIX.fullmatch(path.suffix) is not None or _DNG_VERSION in _tags(path)


def is_heif(start: bytes) -> bool:
    """Whether a file is HEIC or another HEIF."""
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS


def open_heif(file: BinaryIO) -> Pillow.Image:
    """A HEIF's main picture, for which a gain map is no part. Its orientation is applied when it is loaded."""
    return HeifImageFile(file)


def hdr_transfer(image: Pillow.Image) -> str:
    """How a HEIF codes light beyond white ("PQ" or "HLG"); empty for an ordinary picture."""
    described: Any = image.info.get("nclx_profile")
    code = described.get("transfer_characteristics") if isinstance(described, dict) else None
    return _HDR_TRANSFERS.get(int(code), "") if code is not None else ""


def floating_tiff(path: Path, start: bytes, most_pixels: float) -> Pillow.Image | None:
    """A TIFF with colours in floating point, which Pillow does not know; None for any other file, or a larger one."""
    if not start.startswith(_TIFFS):
        return None
    tags = _tags(path)
    formats = tags.get(_SAMPLE_FORMAT)
    if not formats or formats[0] != _FLOATING or tags[_WIDTH] * tags[_HEIGHT] > most_pixels or tags.get(_SAMPLES, 1) < 3:
        return None
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)  # (H, W, 3 or more), blue first
    if picture is None:
        return None
    return Pillow.fromarray(eight_bits(np.asarray(picture[..., 2::-1], np.float32)))


def without_end(content: bytes) -> tuple[bytes, int | None]:
    """A JPEG that lacks its end, with an end, and the first row of it that lacks pixels; None when they are all there.

    A decoder reads on in whatever follows. So when other bytes before the end give another picture, pixels were missing.
    """
    ended = content + _END
    pictures = [np.asarray(Pillow.open(io.BytesIO(c)).convert("RGB")) for c in (ended, content + _OTHER_BITS + _END)]
    rows = np.flatnonzero((pictures[0] != pictures[1]).any(axis=(1, 2)))
    return ended, int(rows[0]) if len(rows) else None


def _tags(path: Path) -> dict[int, Any]:
    """The first directory of a TIFF."""
    with path.open("rb") as file:
        directory = ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
        return dict(directory)
