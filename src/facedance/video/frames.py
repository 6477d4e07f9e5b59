"""Frames of videos as arrays."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av  # noqa: F401  (before decord, whose codecs would else take the place of PyAV's own)
import cv2
import decord
import numpy as np

from facedance.video.decoding import shown_frames, undecodable
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


def read_frames(path: Path | str, indices: Sequence[int] | None = None, width: int = -1, height: int = -1) -> Frames:
    """Frames (T, H, W, 3) of a video that `write_video` wrote, at `indices` in any order (all by default), resized while
    decoding when a size is given.

    Raises:
        UnreadableVideo: the file cannot be decoded at one of the indices.
    """
    decord.logging.set_level(decord.logging.FATAL)
    try:
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, width=width, height=height)
        frames: Frames = reader.get_batch(list(range(len(reader)) if indices is None else indices)).asnumpy()
    except (decord.DECORDError, RuntimeError, IndexError):  # their text holds the time of day, and results must not
        raise UnreadableVideo("cannot be decoded") from None
    return frames


def count_frames(path: Path | str) -> int:
    """Frames of a video that `write_video` wrote.

    Raises:
        UnreadableVideo: the file cannot be read.
    """
    decord.logging.set_level(decord.logging.FATAL)
    try:
        return len(decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1))
    except (decord.DECORDError, RuntimeError):
        raise UnreadableVideo("cannot be decoded") from None


def resized(frames: Frames, size: tuple[int, int]) -> Frames:
    """Frames (T, H, W, 3) in another width and height: smaller by area, larger by cubic interpolation."""
    how = cv2.INTER_AREA if size[0] < frames.shape[2] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, size, interpolation=how) for frame in frames])


def iterate_frames(path: Path | str, scale: int = 1) -> Iterator[Frame]:
    """Frames (H, W, 3) of a video that `write_video` wrote, one by one, resized to `scale` times its size while decoding.

    They are those of `read_frames`, in memory that does not grow with the video.

    Raises:
        UnreadableVideo: the file cannot be decoded.
    """
    decord.logging.set_level(decord.logging.FATAL)
    try:
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
        if scale != 1:
            height, width = reader.next().shape[:2]
            reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, width=scale * width, height=scale * height)
        for _ in range(len(reader)):
            yield reader.next().asnumpy()
    except (decord.DECORDError, RuntimeError, StopIteration):
        raise UnreadableVideo("cannot be decoded") from None
