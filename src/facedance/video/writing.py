"""Writing the H.264 mp4 that browsers play."""

import itertools
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from facedance.files import atomic
from facedance.video.pictures import Frame
from facedance.video.sound import AUDIO_RATE, has_sound, read_sound


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
            heard, told = has_sound(audio_from) if audio_from is not None else (False, "")
            audio = container.add_stream("aac", rate=AUDIO_RATE, options={"flags": "+bitexact"}) if heard else None
            count = 0
            reformatter = VideoReformatter()  # keeps its tables from frame to frame
            for frame in itertools.chain([first], frames):
                rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                container.mux(
                    video.encode(reformatter.reformat(rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1))
                )
                count += 1
            container.mux(video.encode())
            if audio is not None and audio_from is not None:
                sound = read_sound(audio_from, audio_start, count / fps)
                silence = np.zeros((2, round(count / fps * AUDIO_RATE)), np.float32)
                _encode_sound(container, audio, silence if sound.samples is None else sound.samples)
                told = sound.told
    return told


def _mark_bt709(codec: av.VideoCodecContext) -> None:
    """Say how the colours are coded: players that must guess do it by size, and not all alike."""
    codec.colorspace = codec.color_primaries = codec.color_trc = int(Colorspace.ITU709)
    codec.color_range = int(ColorRange.MPEG)


def _encode_sound(container: "av.container.OutputContainer", stream: av.AudioStream, sound: NDArray[np.float32]) -> None:
    step = 1024
    for start in range(0, sound.shape[1], step):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + step]), format="fltp", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        frame.pts = start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
