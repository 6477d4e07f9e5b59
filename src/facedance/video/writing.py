"""Writing the H.264 mp4 that browsers play."""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from facedance.files import atomic
from facedance.video.pictures import Frame
from facedance.video.sound import AUDIO_RATE, has_sound, read_sound
from facedance.workers import alive


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
) -> str:
    """Write frames (H, W, 3) of even sizes as an H.264 mp4, one by one, atomically and with the same bytes each time.

    `audio_from` gives the sound, if it has any: as many seconds as there are frames, from `audio_start` seconds after
    its first picture on.

    Returns:
        What to tell of the sound in a few words, or "".
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("a video needs at least one frame, none were given")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise ValueError(f"H.264 needs an even width and height, given were {width}x{height}")
    with _open(path, metadata or {}) as container:
        pictures = _Pictures(container, (width, height), fps, crf, preset)
        heard, told = has_sound(audio_from) if audio_from is not None else (False, "")
        audio = container.add_stream("aac", rate=AUDIO_RATE, options={"flags": "+bitexact"}) if heard else None
        for frame in itertools.chain([first], frames):
            pictures.add(frame)
        pictures.end()
        if audio is not None and audio_from is not None:
            seconds = pictures.count / fps
            sound = read_sound(audio_from, audio_start, seconds)
            silence = np.zeros((2, round(seconds * AUDIO_RATE)), np.float32)
            _encode_sound(container, audio, silence if sound.samples is None else sound.samples)
            told = sound.told
    return told


@contextlib.contextmanager
def silent_video(
    path: Path | str, size: tuple[int, int], fps: float, *, crf: int = 16, preset: str = "medium"
) -> Iterator[Callable[[Frame], None]]:
    """Write a video as `write_video` does, without sound, by handing over its frames, which have this width and height."""
    with _open(path, {}) as container:
        pictures = _Pictures(container, size, fps, crf, preset)
        yield pictures.add
        pictures.end()


@contextlib.contextmanager
def _open(path: Path | str, metadata: dict[str, str]) -> Iterator["av.container.OutputContainer"]:
    """An mp4 that is there when the block ends well."""
    # Equal frames give equal bytes on every run: one encoder thread, no encoder signature, and none of x264's macroblock
    # tree, which reads memory that it has not set where the processor has AVX-512 (25 runs at 832x480, 18 results).
    options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
    with atomic(path) as temporary, av.open(str(temporary), "w", options=options) as container:
        container.metadata.update(metadata)
        yield container


class _Pictures:
    """The stream of pictures of a container that is being written."""

    def __init__(
        self, container: "av.container.OutputContainer", size: tuple[int, int], fps: float, crf: int, preset: str
    ) -> None:
        options = {"crf": str(crf), "preset": preset, "flags": "+bitexact", "x264-params": "mbtree=0"}
        self._container = container
        self._stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        self._stream.width, self._stream.height, self._stream.pix_fmt = *size, "yuv420p"
        self._stream.codec_context.thread_count = 1
        _mark_bt709(self._stream.codec_context)
        self._reformatter = VideoReformatter()  # keeps its tables from frame to frame
        self.count = 0

    def add(self, frame: Frame) -> None:
        """Encode the next frame (H, W, 3)."""
        alive()
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        coded = self._reformatter.reformat(rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1)
        self._container.mux(self._stream.encode(coded))
        self.count += 1

    def end(self) -> None:
        """Encode what the encoder still holds back."""
        self._container.mux(self._stream.encode())


def _mark_bt709(codec: av.VideoCodecContext) -> None:
    """Say how the colours are coded: players that must guess do it by size, and not all alike."""
    codec.colorspace = codec.color_primaries = codec.color_trc = int(Colorspace.ITU709)
    codec.color_range = int(ColorRange.MPEG)


def _encode_sound(container: "av.container.OutputContainer", stream: av.AudioStream, sound: NDArray[np.float32]) -> None:
    step = 1024
    for start in range(0, sound.shape[1], step):
        alive()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + step]), format="fltp", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        frame.pts = start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
