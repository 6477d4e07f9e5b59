"""The watermark: a faint pattern, drawn by a key, that is laid over every frame.

It is spread-spectrum (Cox et al. 1997, "Secure spread spectrum watermarking for multimedia") in a tile that repeats, as in Kutter
1998, so that a crop only shifts it and a scaled copy holds it at another size. The tile's waves all have the same strength;
what the key draws is their phases. So it says one thing, that this key's owner made the video, and a frame takes milliseconds.
"""

import hashlib
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.video.pictures import Frame

TILE = 128
"""Side of the tile in pixels, which is that of the smallest renders."""

_WAVES = (4.0, 26.0)  # in a tile, slowest and fastest: encoders drop faster ones, and pictures drown slower ones
_FAINT, _STRONG = 0.7, 2.4  # grey levels, root mean square: on a bare wall, where 1.6 are seen, and where structure hides them
_HIDING = 3.0  # grey levels of structure in the picture that hide one of the pattern
_AROUND = 9  # pixels: structure is what varies within these, and a wall is bare up to so near at the edge of something
_VERSION = b"facedance watermark 1:"


@cache
def waves() -> NDArray[np.bool_]:
    """Which waves (TILE, TILE // 2 + 1) of a real Fourier transform the pattern is made of; none is another's mirror image."""
    down, across = np.fft.fftfreq(TILE, 1 / TILE)[:, None], np.arange(TILE // 2 + 1)[None]
    chosen: NDArray[np.bool_] = (np.hypot(down, across) >= _WAVES[0]) & (np.hypot(down, across) <= _WAVES[1])
    return chosen & ((across > 0) | (down > 0))


@lru_cache(maxsize=8)
def phases(key: bytes) -> NDArray[np.float64]:
    """Radians in [0, 2 pi) of each of the waves, as the key draws them."""
    drawn = hashlib.shake_256(_VERSION + key).digest(2 * waves().size)
    return np.frombuffer(drawn, "<u2").reshape(waves().shape) * (2 * np.pi / 2**16)


def plane(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The real picture (TILE, TILE) of the pattern's waves with these complex strengths."""
    half = np.where(waves(), values, 0)
    half[:, 0] *= 2  # of all other columns, a real transform adds the mirror image itself
    return np.fft.irfft2(half, (TILE, TILE))


class Watermark:
    """Lays the pattern of a key over frames, one at a time."""

    def __init__(self, key: bytes) -> None:
        tile = plane(np.exp(1j * phases(key)))
        self._tile = (tile / tile.std()).astype(np.float32)

    def mark(self, frame: Frame) -> Frame:
        """The frame (H, W, 3) with the pattern over it, equally in its three colours, and fainter where nothing hides it."""
        height, width = frame.shape[:2]
        laid = np.tile(self._tile, (-(-height // TILE), -(-width // TILE)))[:height, :width] * _strength(frame)
        marked: Frame = cv2.add(frame, cv2.merge([laid.round().astype(np.int16)] * 3), dtype=cv2.CV_8U)  # within 0 and 255
        return marked


def _strength(frame: Frame) -> NDArray[np.float32]:
    """How strong the pattern may be at each pixel (H, W), in grey levels."""
    gray, around = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32), (_AROUND, _AROUND)
    variance = cv2.blur(gray * gray, around) - cv2.blur(gray, around) ** 2
    structure = cv2.blur(cv2.erode(np.sqrt(np.maximum(variance, 0)), np.ones(around, np.uint8)), around)
    strength: NDArray[np.float32] = np.clip(structure / _HIDING, _FAINT, _STRONG)
    return strength
