"""Finding a watermark again, with a test whose false alarms are bounded by arithmetic.

The picture's waves are set to length 1, so that each says only how well its phase fits the key's. Of a video that knows nothing
of the key, each of the K waves then adds cos(u), where the phase u is drawn evenly by the key, whatever the picture shows. As
E[exp(t cos u)] = I0(t) <= exp(t^2 / 4), the sum exceeds z sqrt(K / 2) with a chance of at most exp(-z^2 / 2) (Chernoff). That is
multiplied by all places, sizes and keys that are tried; that of a video as it was written has half of the chance for itself.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.marks.watermark import TILE, phases, plane, waves
from facedance.video.decoding import shown_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.pictures import Upright

FALSE_ALARMS = 1e-6
"""A watermark counts as found where a video without one would look so with a smaller chance than this."""

_FRAMES = 240  # looked at of a video, from its first on
_SLOW = 3.0  # pixels: what varies more slowly is the picture, not the mark
_NEAR = 2.0  # pixels within which a place counts as quiet or loud
_QUIET = 1.5  # grey levels: what is quieter than this is noise
_TRUST = 1.5  # power of its loudness by which a place counts less; see `residual`
_STEP = 0.004  # between sizes that are tried, where a wave is then off by a third of its length at the edge of a large picture
_SIZES = tuple(np.exp(np.arange(0, math.log(2), _STEP)).tolist())  # and as much smaller

Residual = NDArray[np.float32]
"""(H, W): what the frames of a video have in common beside their picture."""


@dataclass(frozen=True)
class Sign:
    """The best sign of a watermark that was found: whose key, and at which scale of the written size.

    `chance` is the bound on the probability that an unmarked video looks so, as its decimal logarithm.
    """

    key: str
    scale: float
    mirrored: bool
    log_chance: float

    @property
    def found(self) -> bool:
        """Whether it counts."""
        return self.log_chance < math.log10(FALSE_ALARMS)


def look(video: Path | str, keys: Mapping[str, bytes]) -> Sign:
    """The best sign of any of these keys in a video.

    Raises:
        UnreadableVideo: a frame cannot be decoded, or there is none.
    """
    return best_sign(residual(islice(_gray(video), _FRAMES)), keys)


def residual(frames: Iterator[NDArray[np.uint8]]) -> Residual:
    """The mean of gray frames (H, W) without what varies slowly in them, in which places count less the louder they are.

    Of a pattern as strong as its surroundings allow, a matched filter divides by their loudness; of one that is equally strong
    everywhere, by its square. The watermark is between the two. Raises UnreadableVideo for no frames.
    """
    total, count = None, 0
    for frame in frames:
        gray = frame.astype(np.float32)
        rest = gray - cv2.GaussianBlur(gray, (0, 0), _SLOW)
        rest /= (cv2.GaussianBlur(rest * rest, (0, 0), _NEAR) + _QUIET**2) ** (_TRUST / 2)
        total, count = rest if total is None else total + rest, count + 1
    if total is None:
        raise UnreadableVideo("shows no picture")
    mean: Residual = total / count
    return mean


def best_sign(rest: Residual, keys: Mapping[str, bytes]) -> Sign:
    """The best sign in a residual: as it was written, or anywhere, mirrored or not, from half to twice its size."""
    straight = spectrum(rest)
    signs = []
    for name, key in keys.items():
        z = float(fit(straight, key)[0, 0])
        signs.append(Sign(name, 1.0, False, _log_chance(z, 2 * len(keys))))
    if min(sign.log_chance for sign in signs) < math.log10(FALSE_ALARMS):
        return min(signs, key=lambda sign: sign.log_chance)
    scales = [*_SIZES, *(1 / size for size in _SIZES[1:])]
    tries = 2 * len(keys) * len(scales) * 2 * TILE**2
    for scale in scales:
        sized = straight if scale == 1 else spectrum(_resized(rest, 1 / scale))
        for mirrored, turned in ((False, sized), (True, _mirrored(sized))):
            signs += [Sign(n, scale, mirrored, _log_chance(float(fit(turned, k).max()), tries)) for n, k in keys.items()]
    return min(signs, key=lambda sign: sign.log_chance)


def spectrum(rest: Residual) -> NDArray[np.complex128]:
    """The waves (TILE, TILE // 2 + 1) of a residual that is folded into one tile, each of length 1, or 0 where there is none."""
    height, width = rest.shape
    padded = np.zeros((-(-height // TILE) * TILE, -(-width // TILE) * TILE), np.float64)
    padded[:height, :width] = rest
    folded = padded.reshape(padded.shape[0] // TILE, TILE, -1, TILE).sum((0, 2))
    found = np.fft.rfft2(folded)
    lengths = np.abs(found)
    ones: NDArray[np.complex128] = np.where(lengths > 1e-9, found / np.maximum(lengths, 1e-9), 0)
    return ones


def fit(ones: NDArray[np.complex128], key: bytes) -> NDArray[np.float64]:
    """z (TILE, TILE): how well waves of length 1 fit the key's pattern, shifted by each number of pixels down and across."""
    sums = plane(ones * np.exp(-1j * phases(key))) * (TILE**2 / 2)  # both halves of a spectrum count, and a transform is a mean
    z: NDArray[np.float64] = sums / math.sqrt(waves().sum() / 2)
    return z


def _mirrored(ones: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The waves of the picture that is mirrored left to right, but for a shift."""
    turned: NDArray[np.complex128] = np.conj(np.roll(ones[::-1], 1, axis=0))
    return turned


def _log_chance(z: float, tries: int) -> float:
    """The decimal logarithm of the bound, for the best of so many tries."""
    return min(0.0, (math.log(tries) - max(z, 0.0) ** 2 / 2) / math.log(10))


def _resized(rest: Residual, scale: float) -> Residual:
    size = tuple(max(1, round(side * scale)) for side in rest.shape[::-1])
    sized: Residual = cv2.resize(rest, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return sized


def _gray(video: Path | str) -> Iterator[NDArray[np.uint8]]:
    upright, begun = Upright(video), False
    try:
        for shown in shown_frames(video):
            yield cv2.cvtColor(upright.rgb(shown.picture), cv2.COLOR_RGB2GRAY)
            begun = True
    except UnreadableVideo:
        if not begun:
            raise  # else what there is of a file that is cut off is enough
