"""Which frames of a video make a clip at another frame rate.

The frame at an output time is the nearest one in time. It is found from the frames' own times, not from a rate, so that
59.94 fps does not drift and a phone's variable rate stays in step with the music.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_FRAMES = 17
"""Of a clip: a second at 16 fps. A video with fewer is too short."""

# Where an output time lies in the middle between two frames (24 to 16 fps: every other time), rounded times would choose
# now one and now the other; shifted by the millisecond to which Matroska rounds, it is the earlier one always.
TIE_S = 1e-3


@dataclass(frozen=True)
class Stretch:
    """A part of a video, in seconds from its first frame: a clip's frames are shown at times within it, ends included."""

    start: float
    end: float

    def room(self, fps: float) -> int:
        """How many frames of a clip it has room for."""
        return max(int((self.end - self.start) * fps + 1e-6) + 1, 0) if self.end >= self.start else 0

    def within(self, start: float, end: float) -> "Stretch":
        """What of it lies between two times."""
        return Stretch(max(self.start, start), min(self.end, end))


def whole(timestamps: NDArray[np.float64]) -> Stretch:
    """All of a video: a clip's last frame is shown no later than half a frame after the video's last one."""
    return Stretch(0.0, float(timestamps[-1]) + half_frame(timestamps)) if len(timestamps) > 1 else Stretch(0.0, -1.0)


def half_frame(timestamps: NDArray[np.float64]) -> float:
    """Half the usual time in seconds between frames, of which there are two at least; holes between them do not count."""
    return float(np.median(np.diff(timestamps))) / 2


def frame_indices(timestamps: NDArray[np.float64], start_s: float, fps: float, frames: int) -> NDArray[np.int64]:
    """The source frame shown at each time `start_s + k / fps`, k = 0 ... frames - 1.

    They rise strictly as long as no two source frames are further apart than 1 / fps; where they are, a frame is repeated.

    Args:
        timestamps: (N,) start times of the source's frames in seconds, ascending.

    Returns:
        (frames,) indices into `timestamps`. Times after the last frame give the last frame: see `whole`.
    """
    times = start_s + np.arange(frames) / fps
    middles = (timestamps[1:] + timestamps[:-1]) / 2
    return np.searchsorted(middles, times - TIE_S).astype(np.int64)


def window_starts(stretch: Stretch, fps: float, frames: int, most: int) -> list[float]:
    """Start times in seconds of the clips that a stretch gives: one after the other from its beginning, at most `most`."""
    return [stretch.start + i * frames / fps for i in range(min(stretch.room(fps) // frames, most))]


def fitting_frames(stretch: Stretch, fps: float, most: int) -> int:
    """The most frames of the form 4n+1 that a clip of a stretch can have, at most `most`; 0 when they are too few."""
    frames = min(stretch.room(fps), most)
    frames -= (frames - 1) % 4
    return frames if frames >= min(FEWEST_FRAMES, most) else 0


def too_short(seconds: float, fps: float, most: int) -> str:
    """The reason to reject a video that has no room for the shortest clip, where clips have at most `most` frames."""
    fewest = min(FEWEST_FRAMES, most)
    return f"is too short: it has {seconds:.2f} s, and {fewest} frames at {fps} fps need {fewest / fps:.2f} s"


def no_scene(fps: float, most: int, where: str) -> str:
    """The reason to reject a video whose scenes are all too short; `where` says in which part of it."""
    fewest = min(FEWEST_FRAMES, most)
    return f"has no scene{where} as long as {fewest} frames at {fps} fps, {fewest / fps:.2f} s"
