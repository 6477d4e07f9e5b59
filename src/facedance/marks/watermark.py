"""The watermark: a faint pattern, drawn by a key, that is laid over every frame.

It is spread-spectrum (Cox et al. 1997, "Secure spread spectrum watermarking for multimedia") in a tile that repeats, as in Kutter
1998, so that a crop only shifts it and a scaled copy holds it at another size. The tile's waves all have the same strength;
what the key draws is their phases. So it says one thing, that this key's owner made the video, and it needs no more than
an addition for each pixel.
"""

import hashlib
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.video.pictures import Frame

TILE = 128
"""Side of the tile in pixels, which is that of the smallest renders."""

_WAVES = (
    4.0,
    26.0,
)  # waves in a tile, slowest and fastest: encoders drop faster ones, and slower ones are drowned by the picture
_STRENGTH, _FAINTER = 2.3, 1.6  # grey levels, root mean square: 40.8 and 43.9 dB; encoders drop what is fainter still
_MANY_TILES = 4  # from which a frame's mark may be the fainter one
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
        pattern = plane(np.exp(1j * phases(key)))
        self._pattern = pattern / pattern.std()
        self._laid = np.zeros((0, 0, 3), np.int16)

    def mark(self, frame: Frame) -> Frame:
        """The frame (H, W, 3) with the pattern over it, equally in its three colours."""
        if self._laid.shape != frame.shape:
            self._laid = self._tiles(*frame.shape[:2])
        marked: Frame = cv2.add(frame, self._laid, dtype=cv2.CV_8U)  # stays within 0 and 255
        return marked

    def _tiles(self, height: int, width: int) -> NDArray[np.int16]:
        """What is added to a frame: (H, W, 3)."""
        strength = _STRENGTH if height * width < _MANY_TILES * TILE**2 else _FAINTER
        tile = np.round(self._pattern * strength).astype(np.int16)
        tiles = np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]
        return np.ascontiguousarray(np.repeat(tiles[..., None], 3, axis=2))
