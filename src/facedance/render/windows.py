"""A clip that is longer than what the model makes at once, in windows: which there are, and the files of those that are made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from facedance.files import atomic, remove
from facedance.video.pictures import Frame, Frames


@dataclass(frozen=True)
class Window:
    """Frames `start` to `start + frames` of a clip, of which the first `given` are made already."""

    start: int
    frames: int
    given: int

    @property
    def end(self) -> int:
        """The frame of the clip after its last one."""
        return self.start + self.frames

    @property
    def first_new(self) -> int:
        """The first frame of the clip that this window makes."""
        return self.start + self.given


def windows_of(length: int, most: int, overlap: int) -> list[Window]:
    """The windows of a clip of `length` frames, all of `most` frames, or the one of a clip that has no more.

    Each is given the last `overlap` frames of the one before; the last is given more where there are fewer frames left to make.
    """
    if length <= most:
        return [Window(0, length, 0)]
    windows = [Window(0, most, 0)]
    while (made := windows[-1].start + most) < length:
        start = min(made - overlap, length - most)
        windows.append(Window(start, most, made - start))
    return windows


def seams(windows: Sequence[Window]) -> list[int]:
    """The first frame that each window after the first has made."""
    return [window.first_new for window in windows[1:]]


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
        for other in self.folder.glob("*") if number == 0 else ():
            if other.name != self.key:
                remove(other)
        with atomic(self._path(number)) as temporary:
            save_file({"frames": np.ascontiguousarray(frames)}, temporary)

    def clip(self, windows: Sequence[Window]) -> Iterator[Frame]:
        """All frames (H, W, 3) of the clip, one window at a time in memory."""
        for number, window in enumerate(windows):
            frames = self.load(number)
            assert frames is not None
            yield from frames[window.given :]

    def clear(self) -> None:
        """Remove them."""
        if self.folder.exists():
            remove(self.folder)
