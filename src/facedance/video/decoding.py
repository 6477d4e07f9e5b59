"""The frames that a video shows, one after the other, with the times at which it shows them.

Packets do not tell: some hold hidden frames, some cannot be decoded because a cut without encoding took away what they refer
to, some are trimmed off by an edit list, and some have no time. So times are those of frames that the decoder gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from facedance.video.deinterlace import Deinterlacer
from facedance.video.opening import UnreadableVideo, open_media, packets_of, pictures_of

_JUMP_S = 1.0  # a step back in time by more than this is another recording, less is a rounded or wrong time


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as decoded, its place in the video and its time in seconds by the file's own clock."""

    picture: av.VideoFrame
    index: int
    time: float
    deinterlaced: bool = False


def shown_frames(path: Path | str) -> Iterator[DecodedFrame]:
    """Every frame that a video shows, in order, deinterlaced where it is interlaced; times never descend.

    Raises:
        UnreadableVideo: the next frame cannot be decoded, or belongs to another recording whose times begin anew.
    """
    count = 0
    try:
        with open_media(path) as container:
            stream = pictures_of(container)
            stream.codec_context.thread_count = 1  # where many videos are read, each has its process
            deinterlacer = Deinterlacer()
            for picture, time in _in_time(container, stream):
                if picture is not None and picture.is_corrupt:  # FFmpeg has painted over what it could not read
                    if count == 0 and not deinterlacer.waiting:
                        continue  # the first ones refer to what was cut away
                    raise undecodable(count + deinterlacer.waiting)
                for whole, at in deinterlacer.through(picture, time):
                    yield DecodedFrame(whole, count, at, deinterlacer.active)
                    count += 1
    except av.FFmpegError:
        raise undecodable(count) from None


def undecodable(count: int) -> UnreadableVideo:
    """What to raise when no more than the first `count` frames can be had."""
    return UnreadableVideo(f"cannot be decoded after its first {count} frames")


def _decoded(container: "av.container.InputContainer", stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """Frames as the decoder gives them; packets before the first one may be beyond it, as when a recording was cut.

    Raises:
        UnreadableVideo: a packet is there twice, which decoders do not notice: they show other frames in the place of some.
    """
    begun, count, newest = False, 0, 0.0
    seen: set[tuple[float, int]] = set()
    for packet in packets_of(container, stream):
        if packet.pts is not None:
            time = float(packet.pts * packet.time_base)
            content, newest = hash(bytes(packet)), max(newest, time) if seen else time
            if (time, content) in seen and newest - time <= _JUMP_S:  # else it is another recording
                raise UnreadableVideo(f"is damaged: behind its first {count} frames, a piece of it is there twice")
            seen.add((time, content))
        try:
            pictures = packet.decode()
        except av.FFmpegError:
            if begun:
                raise
            continue
        for picture in pictures:
            assert isinstance(picture, av.VideoFrame)
            begun = begun or not picture.is_corrupt
            count += 1
            yield picture


def _in_time(container: "av.container.InputContainer", stream: av.VideoStream) -> Iterator[tuple[av.VideoFrame | None, float]]:
    """Decoded frames with their times in seconds, and a None at the end."""
    step = float(1 / stream.guessed_rate) if stream.guessed_rate else 0.0
    last: float | None = None
    for picture in _decoded(container, stream):
        ticks = picture.pts if picture.pts is not None else picture.dts
        time = float(ticks * picture.time_base) if ticks is not None else 0.0 if last is None else last + step
        if last is not None and time < last:
            if last - time > _JUMP_S:
                raise UnreadableVideo(f"goes back in time after {last:.1f} s, as when recordings are joined: split it there")
            time = last
        last = time
        yield picture, time
    yield None, 0.0
