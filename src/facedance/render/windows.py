"""A clip that is longer than what the model makes at once, in windows: which there are, and the files of those that are made."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from facedance.files import atomic, remove
from facedance.video.frames import resized
from facedance.video.pictures import Frame, Frames

FEWEST_NEW = 4
"""Frames that a window adds at least: those of a latent frame of Wan's VAE."""


PartReader = Callable[[range], Frames]
"""Frames (T, H, W, 3) of a part of a clip."""


@dataclass(frozen=True)
class Window:
    """Frames `start` to `start + frames` of a clip.

    The first `given` are those of the window before. The next `faded` are made anew, and the window before fades into them.
    """

    start: int
    frames: int
    given: int
    faded: int = 0

    @property
    def end(self) -> int:
        """The frame of the clip after its last one."""
        return self.start + self.frames

    @property
    def first_made(self) -> int:
        """The first frame of the clip that this window makes."""
        return self.start + self.given


def windows_of(length: int, most: int, overlap: int, fade: int) -> list[Window]:
    """The windows of a clip of `length` frames, all of `most` frames, or the one of a clip that has no more.

    The last `overlap` + `fade` frames of each, fewer where no room is left for new ones, are the next one's first: given, but for
    the last `fade`. The last window is given more where there are fewer frames left to make.
    """
    if length <= most:
        return [Window(0, length, 0)]
    windows = [Window(0, most, 0)]
    while (made := windows[-1].end) < length:
        start = min(made - min(overlap + fade, most - FEWEST_NEW), length - most)
        faded = max(0, min(fade, made - start - overlap))
        windows.append(Window(start, most, made - start - faded, faded))
    return windows


def seams(windows: Sequence[Window]) -> list[int]:
    """Where a window gives way to the next: the first frame that this one has made, and each until it is the only one."""
    return [window.first_made + i for window in windows[1:] for i in range(window.faded + 1)]


def one_by_one(windows: Sequence[Window], shown: PartReader) -> Iterator[Frame]:
    """All frames (H, W, 3) of a clip, of which the parts between the beginnings of windows are in memory one at a time."""
    for start, end in itertools.pairwise([*(window.start for window in windows), windows[-1].end]):
        yield from shown(range(start, end))


def enlarged(shown: PartReader, times: int) -> PartReader:
    """A clip so many times as large, by cubic interpolation: room for the detail of close-ups."""

    def larger(some: range) -> Frames:
        frames = shown(some)
        return resized(frames, (times * frames.shape[2], times * frames.shape[1]))

    return larger


@dataclass(frozen=True)
class WindowFiles:
    """The windows of one render that are made already, so that a killed one goes on; gone when the video is there."""

    folder: Path  # of all windows of this render
    key: str  # of what they are made from

    def _path(self, number: int) -> Path:
        return self.folder / self.key / f"{number:04d}.safetensors"

    def load(self, number: int) -> Frames | None:
        """Frames (T, H, W, 3) of a window, None where it is not made."""
        path = self._path(number)
        frames: Frames | None = load_file(path)["frames"] if path.exists() else None
        return frames

    def save(self, number: int, frames: Frames) -> None:
        """Keep the frames of a window, and none that were made from something else."""
        if number == 0:
            self.forget_others()
        with atomic(self._path(number)) as temporary:
            save_file({"frames": np.ascontiguousarray(frames)}, temporary)

    def part(self, windows: Sequence[Window], frames: range) -> Frames:
        """Some frames (T, H, W, 3) of the clip: those of two windows as the later one has them."""
        parts = []
        for number, (window, later) in enumerate(zip(windows, [*windows[1:], None], strict=True)):
            end = later.start if later else window.end
            own = range(max(frames.start, window.start), min(frames.stop, end))
            if own:
                made = self.load(number)
                assert made is not None
                parts.append(made[own.start - window.start : own.stop - window.start])
        return np.concatenate(parts)

    def of_head(self, dancer: int) -> "WindowFiles":
        """Those of a dancer's head that is made once more, which are gone with these."""
        return WindowFiles(self.folder / self.key / f"head-{dancer}", self.key)

    def of_take(self, seed: int) -> "WindowFiles":
        """Those of one of the seeds that are tried, which are gone with these."""
        return WindowFiles(self.folder / self.key / f"seed-{seed}", self.key)

    def take(self, seed: int) -> Path:
        """The finished video of one of the seeds that are tried."""
        return self.folder / self.key / f"seed-{seed}.mp4"

    def forget_others(self) -> None:
        """Remove what was made from something else."""
        for other in self.folder.glob("*"):
            if other.name != self.key:
                remove(other)

    def clear(self) -> None:
        """Remove them."""
        if self.folder.exists():
            remove(self.folder)
