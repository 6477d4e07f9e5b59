"""Frames of videos as arrays."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av  # noqa: F401  (before decord, whose codecs would else take the place of PyAV's own)
import cv2
import decord
import numpy as np

from facedance.video.decoding import shown_frames, undecodable
from facedance.video.filters import filter_chain
from facedance.video.opening import UnreadableVideo
from facedance.video.pictures import Frame, Frames, Upright


def stream_frames(path: Path | str, indices: Iterable[int]) -> Iterator[Frame]:
    """Yield the frames (H, W, 3) of any video at `indices`, which must not descend: upright, with square pixels, in BT.709's
    colours and all of the first one's size.

    Raises:
        UnreadableVideo: a frame up to the last index cannot be decoded.
    """
    frames, upright = shown_frames(path), Upright(path)
    shown = None
    for index in indices:
        if shown is not None and index < shown.index:
            raise ValueError(f"frame {index} is asked for after frame {shown.index}; indices must not descend")
        while shown is None or shown.index < index:
            following = next(frames, None)
            if following is None:
                raise undecodable(0 if shown is None else shown.index + 1)
            shown = following
            upright.size(shown.picture)  # the first one's is kept
        yield upright.rgb(shown.picture)


class Footage(Sequence[Frame]):
    """The frames (H, W, 3) of a video that `write_video` wrote, each decoded when it is asked for.

    One after the other, at any steps, they are decoded once; a step back begins at the last key frame before it.
    """

    def __init__(self, path: Path | str, scale: int | Fraction = 1) -> None:
        """Open the video, whose frames are made `scale` times as large while they are decoded.

        Raises:
            UnreadableVideo: the file is no video.
        """
        self._path, self._scale = path, scale
        decord.logging.set_level(decord.logging.FATAL)
        with _told_in_words():
            self._reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
            if scale != 1:
                height, width = (int(scale * side) for side in self._reader[0].shape[:2])
                self._reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, width=width, height=height)

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, index: Any) -> Any:
        """The frame at an index.

        Raises:
            UnreadableVideo: it cannot be decoded.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        with _told_in_words():
            return self._reader[index].asnumpy()

    def __iter__(self) -> Iterator[Frame]:
        """All frames in their order, the same bit by bit, by another decoder.

        decord's thread decodes ahead of what is asked for, without bound where each frame is looked at for long; this waits.

        Raises:
            UnreadableVideo: a frame cannot be decoded.
        """
        graph = None
        for shown in shown_frames(self._path):
            if graph is None:
                size = f"{int(self._scale * shown.picture.width)}:{int(self._scale * shown.picture.height)}"
                graph = filter_chain(shown.picture, [("scale", f"{size}:flags=bilinear"), ("format", "rgb24")])
            graph.push(shown.picture)
            yield graph.pull().to_ndarray()


def read_frames(path: Path | str, indices: Sequence[int] | None = None, width: int = -1, height: int = -1) -> Frames:
    """Frames (T, H, W, 3) of a video that `write_video` wrote, at `indices` in any order (all by default), resized while
    decoding when a size is given.

    Raises:
        UnreadableVideo: the file cannot be decoded at one of the indices.
    """
    decord.logging.set_level(decord.logging.FATAL)
    with _told_in_words():
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, width=width, height=height)
        frames: Frames = reader.get_batch(list(range(len(reader)) if indices is None else indices)).asnumpy()
    return frames


@contextlib.contextmanager
def _told_in_words() -> Iterator[None]:
    """Let decord's complaints be ours: their text holds the time of day, and results must not."""
    try:
        yield
    except (decord.DECORDError, RuntimeError, IndexError):
        raise UnreadableVideo("cannot be decoded") from None


def resized(frames: Frames, size: tuple[int, int]) -> Frames:
    """Frames (T, H, W, 3) in another width and height: smaller by area, larger by cubic interpolation."""
    how = cv2.INTER_AREA if size[0] < frames.shape[2] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, size, interpolation=how) for frame in frames])
