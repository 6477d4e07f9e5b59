"""Small clips of no one, with the structure of pictures: strong slow waves, weak fast ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facedance.video.pictures import Frame
from facedance.video.writing import write_video


def picture(seed: int, height: int, width: int) -> Frame:
    """A picture (H, W, 3) whose waves are the weaker the faster they are, as those of photos."""
    rng = np.random.default_rng(seed)
    speed = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    speed[0, 0] = np.inf
    channels = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) / speed, (height, width)) for _ in range(3)]
    scaled = [127 + 45 * (channel + channels[0]) / (channel + channels[0]).std() for channel in channels]
    frame: Frame = np.stack(scaled, axis=-1).clip(0, 255).astype(np.uint8)
    return frame


def clip(seed: int, frames: int = 12, height: int = 128, width: int = 128) -> Iterator[Frame]:
    """Frames of a camera that goes over a picture."""
    large = picture(seed, height + frames, width + 2 * frames)
    for n in range(frames):
        yield np.ascontiguousarray(large[n : n + height, 2 * n : 2 * n + width])


def write_clip(path: Path, seed: int, frames: int = 12) -> Path:
    """The clip as a file."""
    write_video(path, clip(seed, frames), 16)
    return path
