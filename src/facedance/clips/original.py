"""A clip's pictures with the pixels that its video has: a model's size loses most of what there is of a dancer's face."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facedance.clips.crop import Window, crop_and_resize
from facedance.clips.timing import frame_indices
from facedance.video.frames import read_frames, stream_frames
from facedance.video.pictures import Frame
from facedance.video.times import inspect

_MOST = 1080
"""Pixels of the shorter side that are kept: beyond it faces gain nothing, and take longer to find."""

_BEYOND_S = 2.0  # of a video's frames after a clip's end have to be known to choose the clip's last ones


@dataclass(frozen=True)
class Original:
    """Where a clip's pictures are: in its video, or in the clip itself where the video has no more of them."""

    clip: Path
    video: Path
    start: float  # seconds
    fps: float
    frames: int
    window: Window  # that the clip shows, in pixels of the video
    size: tuple[int, int]  # width and height of the clip

    @classmethod
    def of(cls, clip: Path, video: Path, row: Mapping[str, str]) -> "Original":
        """By a clip's row in the table of the clips stage, read as text."""
        x, y, w, h = (int(row[f"crop_{name}"]) for name in "xywh")
        size = int(row["width"]), int(row["height"])
        return cls(clip, video, float(row["start_s"]), float(row["fps"]), int(row["frames"]), (x, y, w, h), size)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the pictures that are read."""
        width, height = self.window[2:]
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
            yield from read_frames(self.clip, indices)
            return
        times = inspect(self.video, self.start + self.frames / self.fps + _BEYOND_S).timestamps
        shown = frame_indices(times, self.start, self.fps, self.frames)[list(indices)]
        for frame in stream_frames(self.video, shown.tolist()):
            yield crop_and_resize(frame, self.window, self.picture_size)
