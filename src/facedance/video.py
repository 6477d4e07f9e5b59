"""Reading and writing videos.

What users bring is streamed from its first frame on with PyAV, which also writes the H.264 mp4 that browsers play. In what
was written here, decord finds frames at random. It does not do so in all files: seeking changes pixels where GOPs are open
and shifts the count in trimmed videos (edit lists), MPEG transport streams lose their first frames, and whether it notices
damage beyond the frames asked for depends on the speed of its thread.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import decord
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from facedance.files import atomic

Frame = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Frames = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""

AUDIO_RATE = 48000
"""Samples a second of every sound that is read or written."""

_MISSING_S = 1.0  # a file that ends this much before the length in its own header has lost its end


class UnreadableVideo(ValueError):
    """The file is no video that can be decoded; the message completes "the video ..."."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself; `timestamps` (T,) are the frames' start times in seconds from the first frame.

    Width and height are those of the upright picture: phones store a rotation beside it.
    """

    width: int
    height: int
    timestamps: NDArray[np.float64]
    has_audio: bool

    @property
    def seconds(self) -> float:
        """Length: the last frame is taken to last as long as the mean frame does."""
        t = self.timestamps
        return float(t[-1] + t[-1] / (len(t) - 1)) if len(t) > 1 else 0.0

    @property
    def fps(self) -> float:
        """Mean frame rate; 0 when there is only one frame."""
        return len(self.timestamps) / self.seconds if len(self.timestamps) > 1 else 0.0


def inspect(path: Path | str) -> VideoInfo:
    """Sizes and frame times of a video, from all of its packets but only the first of its pictures.

    Raises:
        UnreadableVideo: the file is empty, no video, or has lost its end.
    """
    if Path(path).stat().st_size == 0:
        raise UnreadableVideo("is an empty file")
    try:
        with _open(path) as container:
            if not container.streams.video:
                raise UnreadableVideo("has no pictures, or is cut off")
            has_audio = bool(container.streams.audio)
            times = _frame_times(container)
    except av.FFmpegError as error:
        raise UnreadableVideo(f"cannot be opened ({error.strerror})") from None
    height, width = next(stream_frames(path, [0])).shape[:2]
    return VideoInfo(width, height, times - times[0], has_audio)


def stream_frames(path: Path | str, indices: Iterable[int]) -> Iterator[Frame]:
    """Yield the frames (H, W, 3) of any video at `indices`, which must not descend, upright.

    Raises:
        UnreadableVideo: a frame up to the last index cannot be decoded.
    """
    decoded = 0
    try:
        with _open(path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # where many videos are read, each has its process
            pictures = container.decode(stream)
            for index in indices:
                if index < max(decoded - 1, 0):
                    raise ValueError(f"frame {index} is asked for after frame {decoded - 1}; indices must not descend")
                while decoded <= index:
                    picture = next(pictures, None)
                    if picture is None or picture.is_corrupt:  # corrupt: FFmpeg has painted over what it could not read
                        raise _undecodable(decoded)
                    decoded += 1
                    shown = picture
                upright = np.rot90(shown.to_ndarray(format="rgb24"), round(shown.rotation / 90))
                yield np.ascontiguousarray(upright)
    except av.FFmpegError:
        raise _undecodable(decoded) from None


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


def write_video(
    path: Path | str,
    frames: Iterable[Frame],
    fps: float,
    *,
    audio_from: Path | str | None = None,
    audio_start: float = 0.0,
    metadata: dict[str, str] | None = None,
    crf: int = 16,
    preset: str = "medium",
) -> None:
    """Write frames (H, W, 3) of even sizes as an H.264 mp4, one by one, atomically and with the same bytes each time.

    `audio_from` gives the sound, if it has any: as many seconds as there are frames, from `audio_start` seconds after
    its first picture on.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("a video needs at least one frame, none were given")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise ValueError(f"H.264 needs an even width and height, given were {width}x{height}")
    with atomic(path) as temporary:
        # Equal frames give equal bytes on every run: one encoder thread, no encoder signature, and none of x264's macroblock
        # tree, which reads memory that it has not set where the processor has AVX-512 (25 runs at 832x480, 18 results).
        options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
        with av.open(str(temporary), "w", options=options) as container:
            container.metadata.update(metadata or {})
            rate = Fraction(fps).limit_denominator(1001)
            options = {"crf": str(crf), "preset": preset, "flags": "+bitexact", "x264-params": "mbtree=0"}
            video = container.add_stream("libx264", rate=rate, options=options)
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.codec_context.thread_count = 1
            _mark_bt709(video.codec_context)
            has_sound = audio_from is not None and _has_sound(audio_from)
            audio = container.add_stream("aac", rate=AUDIO_RATE, options={"flags": "+bitexact"}) if has_sound else None
            count = 0
            reformatter = VideoReformatter()  # keeps its tables from frame to frame
            for frame in itertools.chain([first], frames):
                rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                container.mux(video.encode(reformatter.reformat(rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709)))
                count += 1
            container.mux(video.encode())
            if audio is not None and audio_from is not None:
                sound = read_sound(audio_from, audio_start, count / fps)
                assert sound is not None
                _encode_sound(container, audio, sound)


def read_metadata(path: Path | str) -> dict[str, str]:
    """The metadata tags of a media file."""
    with _open(path) as container:
        return dict(container.metadata)


def read_sound(path: Path | str, start: float, seconds: float) -> NDArray[np.float32] | None:
    """Sound (2, samples) at 48 kHz from `start` seconds after the first picture (or the file's start, where there are
    no pictures) on, zero-padded to `seconds`; None when the file has none.

    Raises:
        UnreadableVideo: the sound cannot be decoded.
    """
    out = np.zeros((2, round(seconds * AUDIO_RATE)), np.float32)
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
    try:
        with _open(path) as container:
            if not container.streams.audio:
                return None
            origin = _start_of_pictures(container) + start
            position: int | None = None  # of the next samples in `out`
            for frame in container.decode(audio=0):
                if position is None:
                    position = round((float(frame.time or 0.0) - origin) * AUDIO_RATE)
                for part in resampler.resample(frame):
                    position = _place(out, part.to_ndarray(), position)
                if position >= out.shape[1]:
                    break
            for part in resampler.resample(None) if position is not None else []:  # what it still holds
                position = _place(out, part.to_ndarray(), position or 0)
    except av.FFmpegError as error:
        raise UnreadableVideo(f"has a sound that cannot be decoded ({error.strerror})") from None
    return out


def _undecodable(decoded: int) -> UnreadableVideo:
    return UnreadableVideo(f"cannot be decoded after its first {decoded} frames")


def _mark_bt709(codec: av.VideoCodecContext) -> None:
    """Say how the colours are coded: players that must guess do it by size, and not all alike."""
    codec.colorspace = codec.color_primaries = codec.color_trc = int(Colorspace.ITU709)
    codec.color_range = int(ColorRange.MPEG)


def _place(out: NDArray[np.float32], samples: NDArray[np.float32], position: int) -> int:
    a, b = max(position, 0), min(position + samples.shape[1], out.shape[1])
    if a < b:
        out[:, a:b] = samples[:, a - position : b - position]
    return position + samples.shape[1]


def _frame_times(container: "av.container.InputContainer") -> NDArray[np.float64]:
    """Start times (T,) in seconds of the frames that the decoder will give."""
    pictures = container.streams.video[0]
    times, end = [], 0.0
    for packet in container.demux():
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None:  # the end of a stream
            continue
        if packet.is_corrupt:
            raise UnreadableVideo("is damaged or cut off")
        end = max(end, float((ticks + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index == pictures.index and not packet.is_discard:  # discard: trimmed away by an edit list
            times.append(float(ticks * packet.time_base))
    if container.duration is not None:
        promised = ((container.start_time or 0) + container.duration) / av.time_base
        if promised - end > _MISSING_S:
            raise UnreadableVideo(f"is cut off: it ends after {end:.1f} of {promised:.1f} seconds")
    if not times:
        raise UnreadableVideo("has no pictures")
    return np.sort(np.array(times))


def _start_of_pictures(container: "av.container.InputContainer") -> float:
    for stream in container.streams.video:
        if stream.start_time is not None and stream.time_base is not None:
            return float(stream.start_time * stream.time_base)
    return 0.0


def _open(path: Path | str) -> "av.container.InputContainer":
    """Open for reading; no name is taken for a URL, and tags in whatever encoding do no harm."""
    return av.open(f"file:{path}", metadata_errors="replace")


def _has_sound(path: Path | str) -> bool:
    with _open(path) as container:
        return bool(container.streams.audio)


def _encode_sound(container: "av.container.OutputContainer", stream: av.AudioStream, sound: NDArray[np.float32]) -> None:
    step = 1024
    for start in range(0, sound.shape[1], step):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + step]), format="fltp", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        frame.pts = start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def resized(frames: Frames, size: tuple[int, int]) -> Frames:
    """Frames (T, H, W, 3) in another width and height: smaller by area, larger by cubic interpolation."""
    how = cv2.INTER_AREA if size[0] < frames.shape[2] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, size, interpolation=how) for frame in frames])
