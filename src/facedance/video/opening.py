"""Opening media files, and choosing among what is in them."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
from av.stream import Disposition

from facedance.workers import alive

_STILL = Disposition.attached_pic | Disposition.timed_thumbnails


class UnreadableVideo(ValueError):
    """The file is no video that can be decoded; the message completes "the video ..."."""


def open_media(path: Path | str) -> "av.container.InputContainer":
    """Open for reading; no name is taken for a URL, and tags in whatever encoding do no harm."""
    return av.open(f"file:{path}", metadata_errors="replace")


def pictures_of(container: "av.container.InputContainer") -> av.VideoStream:
    """The first stream of moving pictures, which cover art and thumbnails are not.

    Raises:
        UnreadableVideo: there is none, or none in a format that FFmpeg knows.
    """
    moving = [stream for stream in container.streams.video if not stream.disposition & _STILL]
    if not moving:
        raise UnreadableVideo("has no pictures, or is cut off")
    for stream in moving:
        if stream.codec_context is not None:
            return stream
    raise UnreadableVideo(f"has pictures in a format that is not known{_tag(container.name, 'Video')}")


def sound_of(container: "av.container.InputContainer") -> tuple[av.AudioStream | None, str]:
    """The first stream of sound that can be decoded, if any, and what to tell of those that cannot.

    The second is "" where nothing is amiss.
    """
    for stream in container.streams.audio:
        if stream.codec_context is not None and stream.codec_context.sample_rate:
            return stream, ""
    if not container.streams.audio:
        return None, ""
    return None, f"silent: the sound is in a format that is not known{_tag(container.name, 'Audio')}"


def packets_of(container: "av.container.InputContainer", *streams: "av.stream.Stream") -> Iterator["av.Packet"]:
    """The packets of streams in the order of the file, and an empty one of each at the end."""
    try:
        for packet in container.demux(streams):
            alive()
            yield packet
    except IndexError:
        return  # PyAV, after its last packet, trips over streams that appeared while the file was read


def read_metadata(path: Path | str) -> dict[str, str]:
    """The metadata tags of a media file."""
    with open_media(path) as container:
        return dict(container.metadata)


def _tag(name: str, kind: str) -> str:
    """The four letters by which a file calls a format that FFmpeg lacks, as " (abcd)", or "": only its log says so."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as lines, av.open(name, metadata_errors="replace"):
            text = " ".join(line for _, _, line in lines)
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
    found = re.search(rf"\({kind}: \w+ \(([\w .-]+) / 0x", text)
    return f" ({found[1].strip()})" if found else ""
