"""Which frames of a video are judged, and at which size: the same moments and as many pixels, whatever made it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facedance.clips.shape import aspect, nearest_size
from facedance.clips.timing import frame_indices, whole
from facedance.config.sections import Size, WanModel
from facedance.video.decoding import shown_frames
from facedance.video.filters import filter_chain
from facedance.video.opening import UnreadableVideo
from facedance.video.pictures import AS_STORED, Frame, Upright, orientation
from facedance.video.times import inspect

ALIKE = 0.02
"""Shapes count as the same when their ratios of width to height differ by less than this share: sizes of models are rounded."""


_SLOWEST = 1.0  # frames a second: what is slower is no video


@dataclass(frozen=True)
class Shots:
    """What is judged of a video: its frame `indices[k]` is the one that it shows `k` frames of the model's after its first."""

    path: Path
    indices: NDArray[np.int64]  # (T,) in their order; one is repeated where the video is slower than the model
    times: NDArray[np.float64]  # (T,) when the video itself shows these frames, in seconds from its first one
    own_size: Size
    own_fps: float
    size: Size  # at which it is judged
    note: str  # what is to be told of it, or ""

    def frames(self) -> Iterator[Frame]:
        """The frames (H, W, 3) at that size. Raises UnreadableVideo where one cannot be decoded."""
        return _scaled(self.path, self.indices.tolist(), self.size)

    def distinct(self) -> Iterator[Frame]:
        """The same, each frame of the video once."""
        return _scaled(self.path, np.unique(self.indices).tolist(), self.size)

    @property
    def repeats(self) -> bool:
        """Whether the video has fewer frames than are judged."""
        return len(np.unique(self.indices)) < len(self.indices)


def choose(path: Path, wan: WanModel, driving: Size | None) -> Shots:
    """Choose the frames of a video by their own times, as clips are cut, and the size: see `judged_size`.

    Raises:
        UnreadableVideo: it cannot be decoded, is shorter than two frames of the model's, or shows less than a frame a second.
    """
    found = inspect(path)
    count = whole(found.timestamps).room(wan.fps)
    if count < 2 or found.fps < _SLOWEST:  # a wrong time may say that a frame is shown for years
        raise UnreadableVideo(f"has {len(found.timestamps)} frames in {found.seconds:.2f} s, too few to judge")
    indices = frame_indices(found.timestamps, 0.0, wan.fps, count)
    own = found.width, found.height
    told = [*found.told, *([f"only its beginning is judged: it {found.damage}"] if found.damage else [])]
    return Shots(path, indices, found.timestamps[indices], own, found.fps, judged_size(own, wan, driving), "; ".join(told))


def judged_size(own: Size, wan: WanModel, driving: Size | None) -> Size:
    """Width and height at which a video of this size is judged.

    It is the size of the driving clip, where the shapes are the same; else that of a clip, where the video has a size of
    the model's; else its own shape with as many pixels as clips of the most similar shape have, in even numbers.
    """
    if driving is not None and same_shape(own, driving):
        return driving
    if own in wan.all_sizes:
        return wan.clip_size(own)
    clip = wan.clip_size(nearest_size(own, wan.sizes))
    scale = math.sqrt(clip[0] * clip[1] / (own[0] * own[1]))
    return max(2 * round(scale * own[0] / 2), 2), max(2 * round(scale * own[1] / 2), 2)


def same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes show a picture in the same shape, but for `ALIKE`."""
    return abs(math.log(aspect(one) / aspect(other))) < ALIKE


def _scaled(path: Path, indices: Iterable[int], size: Size) -> Iterator[Frame]:
    """The frames at `indices`, which do not descend, scaled by the filter that scales renders for their judges."""
    frames, upright = shown_frames(path), Upright(path)
    graphs: dict[tuple[object, ...], av.filter.Graph] = {}
    shown, frame, at = None, None, -1
    for index in indices:
        while shown is None or shown.index < index:
            shown = next(frames, None)
            if shown is None:
                raise UnreadableVideo(f"cannot be decoded as far as its frame {index}")
            upright.size(shown.picture)  # the first one's is kept
        if frame is None or at != index:
            picture = _plain(shown.picture, upright)
            kind = picture.format.name, picture.width, picture.height, int(picture.colorspace), int(picture.color_range)
            if kind not in graphs:
                scale = ("scale", f"{size[0]}:{size[1]}:flags=bilinear")
                graphs[kind] = filter_chain(picture, [scale, ("format", "rgb24")])
            graphs[kind].push(picture)
            pulled = graphs[kind].pull()
            assert isinstance(pulled, av.VideoFrame)
            frame, at = pulled.to_ndarray().astype(np.uint8, copy=False), index
        yield frame


def _plain(picture: av.VideoFrame, upright: Upright) -> av.VideoFrame:
    """The picture as it is decoded where that is how it is shown, else upright, with square pixels, in BT.709."""
    if not upright.told(picture) and orientation(picture) == AS_STORED:
        return picture
    return av.VideoFrame.from_ndarray(upright.rgb(picture), format="rgb24")
