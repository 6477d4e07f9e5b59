"""Where one scene of a video ends and the next begins, so that no clip shows two."""

import itertools
from collections.abc import Sequence

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from facedance.clips.timing import Stretch, half_frame, whole
from facedance.video.decoding import DecodedFrame

_SIDE = 32  # pixels of the small pictures that are compared
_CHANGE = 12.0  # grey levels by which frames differ on average across a cut, at least
_STANDS_OUT = 4.0  # times the largest difference between frames near by: quick dancing and flashes have several large ones
_NEAR_S = 0.2
_FLASH_S = 0.5  # what was there before and is there again so soon was no cut, but light
_STANDSTILL_S = 1.0  # without a new frame is a hole in the recording


class SceneWatch:
    """Looks at each frame of a video in passing, and tells its scenes in the end."""

    def __init__(self) -> None:
        self._small = VideoReformatter()
        self._seen: list[NDArray[np.uint8]] = []

    def see(self, shown: DecodedFrame) -> None:
        """Look at the next frame."""
        picture = self._small.reformat(shown.picture, _SIDE, _SIDE, "gray", interpolation=Interpolation.AREA, threads=1)
        self._seen.append(picture.to_ndarray().astype(np.uint8))

    def scenes(self, timestamps: NDArray[np.float64]) -> list[Stretch]:
        """The scenes of the frames seen, which were shown at `timestamps` (N,) seconds."""
        changes = [0.0, *(difference(a, b) for a, b in itertools.pairwise(self._seen))]
        found = [i for i in cuts(timestamps, changes) if not passing(timestamps, self._seen, i)]
        return split(timestamps, found)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Grey levels by which two small pictures differ on average."""
    return float(np.abs(one.astype(np.int16) - other).mean())


def passing(timestamps: NDArray[np.float64], seen: Sequence[NDArray[np.uint8]], index: int) -> bool:
    """Whether a change at a frame is the beginning or the end of a flash, around which pictures are alike."""
    if timestamps[index] - timestamps[index - 1] > _STANDSTILL_S:
        return False
    first, last = np.searchsorted(timestamps, [timestamps[index - 1] - _FLASH_S, timestamps[index] + _FLASH_S])
    alike = difference(seen[index - 1], seen[index]) / 3
    later = (difference(seen[index - 1], seen[j]) for j in range(index + 1, last))
    earlier = (difference(seen[index], seen[j]) for j in range(first, index - 1))
    return any(change < alike for change in itertools.chain(later, earlier))


def cuts(timestamps: NDArray[np.float64], changes: Sequence[float]) -> list[int]:
    """Indices of the frames with which a scene begins, but the first.

    Args:
        timestamps: (N,) in seconds.
        changes: (N,) grey levels by which each frame differs from the one before.
    """
    found = []
    for i in range(1, len(changes)):
        if timestamps[i] - timestamps[i - 1] > _STANDSTILL_S:
            found.append(i)
        elif changes[i] > _CHANGE:
            a, b = np.searchsorted(timestamps, [timestamps[i] - _NEAR_S, timestamps[i] + _NEAR_S])
            # At least two on either side: at the rate of a slideshow, nothing would be near.
            near = [*changes[max(min(a, i - 2), 1) : i], *changes[i + 1 : max(b, i + 3)]]
            if changes[i] > _STANDS_OUT * max(near, default=0.0):
                found.append(i)
    return found


def split(timestamps: NDArray[np.float64], first_frames: Sequence[int]) -> list[Stretch]:
    """The stretches between the frames with which scenes begin."""
    end = whole(timestamps)
    starts = [0.0, *(round(float(timestamps[i]), 3) for i in first_frames)]
    ends = [float(timestamps[i - 1] + timestamps[i]) / 2 - 2e-3 for i in first_frames]
    # A hole is no part of the scene before it.
    half = half_frame(timestamps) if len(timestamps) > 1 else 0.0
    lasts = [float(timestamps[i - 1]) + half for i in first_frames]
    return [Stretch(a, b) for a, b in zip(starts, [*np.minimum(ends, lasts).tolist(), end.end], strict=True)]
