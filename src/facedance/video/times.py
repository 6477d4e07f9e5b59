"""What a video says of itself: its size, and when each of its frames is shown."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facedance.video.decoding import DecodedFrame, shown_frames
from facedance.video.opening import UnreadableVideo, open_media, packets_of, pictures_of, sound_of
from facedance.video.pictures import Upright

_MISSING_S = 1.0  # a file that ends this much before the length in its own header has lost its end


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself; `timestamps` (T,) are the frames' start times in seconds from the first frame.

    Width and height are those of the upright picture with square pixels: phones store a rotation beside it, and camcorders
    store it squeezed.
    """

    width: int
    height: int
    timestamps: NDArray[np.float64]
    has_audio: bool
    damage: str = ""  # why the frames end before the file does; completes "the video ..."
    told: tuple[str, ...] = ()  # what reading does to the pictures beyond decoding them
    complete: bool = True  # whether all frames were looked at

    @property
    def seconds(self) -> float:
        """Length: the last frame is taken to last as long as the mean frame does."""
        t = self.timestamps
        return float(t[-1] + t[-1] / (len(t) - 1)) if len(t) > 1 else 0.0

    @property
    def fps(self) -> float:
        """Mean frame rate; 0 when there is only one frame."""
        return len(self.timestamps) / self.seconds if self.seconds else 0.0


def inspect(path: Path | str, until: float = math.inf, watch: Callable[[DecodedFrame], None] | None = None) -> VideoInfo:
    """Size and frame times of a video, from all of its frames, or from those of its first `until` seconds.

    Each frame is shown to `watch`, if there is one, in passing.

    Raises:
        UnreadableVideo: the file is empty, no video, or has lost its end, or its first frame cannot be decoded.
    """
    has_audio = check_whole(path)
    upright, damage, complete = Upright(path), "", True
    times: list[float] = []
    size: tuple[int, int] | None = None
    told: dict[str, None] = {}  # in order, each once
    try:
        for shown in shown_frames(path):
            if times and shown.time - times[0] > until:
                complete = False
                break
            times.append(shown.time)
            size = size or upright.size(shown.picture)
            told |= dict.fromkeys([*upright.told(shown.picture), *(["deinterlaced"] if shown.deinterlaced else [])])
            if watch is not None:
                watch(shown)
    except UnreadableVideo as error:
        damage = str(error)
    if size is None:
        raise UnreadableVideo(damage or "has no pictures")
    return VideoInfo(*size, np.array(times) - times[0], has_audio, damage, tuple(told), complete)


def check_whole(path: Path | str) -> bool:
    """Refuse a file that is no video or has lost its end, from its packets alone; whether it has sound that can be decoded.

    Raises:
        UnreadableVideo: the file is empty, no video, or has lost its end.
    """
    if Path(path).stat().st_size == 0:
        raise UnreadableVideo("is an empty file")
    try:
        with open_media(path) as container:
            pictures = pictures_of(container)
            _check_packets(container, pictures)
            return sound_of(container)[0] is not None
    except av.FFmpegError as error:
        raise UnreadableVideo(f"cannot be opened ({error.strerror})") from None


def _check_packets(container: "av.container.InputContainer", pictures: av.VideoStream) -> None:
    end, count = 0.0, 0
    for packet in packets_of(container, *container.streams):
        ticks = packet.pts if packet.pts is not None else packet.dts
        if packet.stream_index == pictures.index and packet.size:
            count += 1
            if packet.is_corrupt:
                raise UnreadableVideo("is damaged or cut off")
        if ticks is not None:  # else it is the end of a stream, or of a container that has no times
            end = max(end, float((ticks + (packet.duration or 0)) * packet.time_base))
    if not count:
        raise UnreadableVideo("has no pictures")
    if container.duration is not None:
        promised = ((container.start_time or 0) + container.duration) / av.time_base
        if promised - end > _MISSING_S and end > 0:
            raise UnreadableVideo(f"is cut off: it ends after {end:.1f} of {promised:.1f} seconds")
