"""A clip's pictures with the pixels that its video has: a model's size loses most of what there is of a dancer's face."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facedance.clips.crop import crop_and_resize
from facedance.clips.timing import TIE_S
from facedance.video.decoding import DecodedFrame, shown_frames, undecodable
from facedance.video.frames import Footage
from facedance.video.opening import UnreadableVideo
from facedance.video.pictures import Frame, Upright
from facedance.video.window_path import Window, cut_window, windows_of

_MOST = 1080
"""Pixels of the shorter side that are kept: beyond it faces gain nothing, and take longer to find."""


@dataclass(frozen=True)
class Original:
    """Where a clip's pictures are: in its video, or in the clip itself where the video has no more of them."""

    clip: Path
    video: Path
    start: float  # seconds
    fps: float
    frames: int
    windows: Sequence[Window]  # that the clip shows in each frame, in pixels of the video; all have one size
    size: tuple[int, int]  # width and height of the clip

    @classmethod
    def of(cls, clip: Path, video: Path, row: Mapping[str, str]) -> "Original":
        """By a clip's row in the table of the clips stage, read as text."""
        size, frames = (int(row["width"]), int(row["height"])), int(row["frames"])
        return cls(clip, video, float(row["start_s"]), float(row["fps"]), frames, windows_of(clip, cut_window(row), frames), size)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the pictures that are read."""
        width, height = self.windows[0][2:]
        if width <= self.size[0] or height <= self.size[1]:
            return self.size
        larger = min(1.0, _MOST / min(width, height))
        return max(round(larger * width), self.size[0]), max(round(larger * height), self.size[1])

    def pictures(self, indices: Sequence[int]) -> Iterator[Frame]:
        """The clip's frames (H, W, 3) at `indices`, which ascend, in `picture_size`.

        Raises:
            UnreadableVideo: the video or the clip cannot be decoded.
        """
        if self.picture_size == self.size:
            clip = Footage(self.clip)
            yield from (clip[index] for index in indices)
            return
        shown = _shown_at(self.video, [self.start + index / self.fps for index in indices])
        for index, frame in zip(indices, shown, strict=True):
            yield crop_and_resize(frame, self.windows[index], self.picture_size)


def _shown_at(video: Path, times: Sequence[float]) -> Iterator[Frame]:
    """The frames (H, W, 3) of a video that `frame_indices` chooses for these times, which ascend, in one pass."""
    frames, upright = shown_frames(video), Upright(video)
    shown = next(frames, None)
    if shown is None:
        raise undecodable(0)
    upright.size(shown.picture)  # the first one's is kept
    first, following = shown.time, _next(frames)
    for time in times:
        while following is not None and (shown.time + following.time) / 2 - first < time - TIE_S:
            shown, following = following, _next(frames)
        yield upright.rgb(shown.picture)


def _next(frames: Iterator[DecodedFrame]) -> DecodedFrame | None:
    """The next frame; None where there is none, or none that can be decoded: a clip may end just before the damage."""
    try:
        return next(frames, None)
    except UnreadableVideo:
        return None
