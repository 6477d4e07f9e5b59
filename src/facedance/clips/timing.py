"""Which frames of a video make a clip at another frame rate.

The frame at an output time is the nearest one in time. It is found from the frames' own times, not from a rate, so that
59.94 fps does not drift and a phone's variable rate stays in step with the music.
"""

import numpy as np
from numpy.typing import NDArray

# Where an output time lies in the middle between two frames (24 to 16 fps: every other time), rounded times would choose
# now one and now the other; shifted by the millisecond to which Matroska rounds, it is the earlier one always.
_TIE_S = 1e-3


def frame_indices(timestamps: NDArray[np.float64], start_s: float, fps: float, frames: int) -> NDArray[np.int64]:
    """The source frame shown at each time `start_s + k / fps`, k = 0 ... frames - 1.

    They rise strictly as long as no two source frames are further apart than 1 / fps; where they are, a frame is repeated.

    Args:
        timestamps: (N,) start times of the source's frames in seconds, ascending.

    Returns:
        (frames,) indices into `timestamps`. Times after the last frame give the last frame: see `window_starts`.
    """
    times = start_s + np.arange(frames) / fps
    middles = (timestamps[1:] + timestamps[:-1]) / 2
    return np.searchsorted(middles, times - _TIE_S).astype(np.int64)


def window_starts(timestamps: NDArray[np.float64], fps: float, frames: int, most: int) -> list[float]:
    """Start times in seconds of the clips that a video gives: one after the other from its beginning, at most `most`.

    A clip's last frame is shown no later than half a source frame after the video's last one.
    """
    if len(timestamps) < 2:
        return []
    half = timestamps[-1] / (len(timestamps) - 1) / 2
    available = int((timestamps[-1] + half) * fps + 1e-6) + 1
    return [i * frames / fps for i in range(min(available // frames, most))]


def too_short(seconds: float, fps: float, frames: int) -> str:
    """The reason to reject a video that has no room for one clip."""
    return f"is too short: it has {seconds:.2f} s, and {frames} frames at {fps} fps need {frames / fps:.2f} s"
