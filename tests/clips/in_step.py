"""Videos with a flash and a click at every whole second, and how far apart the two are."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facedance.video.frames import stream_frames
from facedance.video.sound import AUDIO_RATE, read_sound
from facedance.video.times import inspect

FLASH_S = 0.2


@dataclass(frozen=True)
class Kind:
    """A container with codecs for pictures and sound."""

    suffix: str
    pictures: str
    sound: str
    fps: Fraction = Fraction(30)
    options: dict[str, str] = field(default_factory=dict)
    rate: int = AUDIO_RATE
    size: tuple[int, int] = (176, 144)  # the only small one that H.263 has
    format: str | None = None

    @property
    def name(self) -> str:
        return f"{self.suffix} {self.pictures} {float(self.fps):.4g} fps, {self.sound}"


_FAST = {"preset": "ultrafast", "bf": "3"}
_VPX = {"deadline": "realtime", "cpu-used": "8"}
KINDS = (
    Kind("mp4", "libx264", "aac", Fraction(30), _FAST),
    Kind("mkv", "libx264", "flac", Fraction(24), _FAST),
    Kind("webm", "libvpx-vp9", "libopus", Fraction(25), _VPX),
    Kind("mov", "libx264", "pcm_s16le", Fraction(60), _FAST),
    Kind("avi", "mpeg4", "libmp3lame", Fraction(30), {"bf": "2"}),
    Kind("ts", "libx264", "aac", Fraction(50), _FAST),
    Kind("MTS", "libx264", "ac3", Fraction(25), _FAST, format="mpegts"),
    Kind("mpg", "mpeg2video", "mp2", Fraction(25), {"bf": "2", "g": "15"}),
    Kind("wmv", "wmv2", "wmav2", Fraction(30), {}, 44100),
    Kind("mp4", "libx265", "aac", Fraction(30), {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"}),
    Kind("mp4", "libsvtav1", "libopus", Fraction(30), {"preset": "12"}),
    Kind("3gp", "h263", "libopencore_amrnb", Fraction(15), {}, 8000),
    Kind("flv", "flv", "libmp3lame", Fraction(30), {}, 44100),
    Kind("webm", "libvpx", "libopus", Fraction(30), _VPX),
)


def make_clicking_video(folder: Path, kind: Kind, seconds: float) -> Path:
    """A video with a flash of 0.2 s and a click that begins with it, at 1 s, 2 s, and so on.

    Frames of clips of 16 fps lie at whole seconds too, so nothing but the two streams can bring flash and click apart.
    """
    path = folder / f"{kind.pictures}-{kind.sound}.{kind.suffix}"
    with av.open(str(path), "w", format=kind.format) as container:
        video = container.add_stream(kind.pictures, rate=kind.fps, options=kind.options)
        video.width, video.height, video.pix_fmt = *kind.size, "yuv420p"
        video.bit_rate = 400_000
        layout = "mono" if kind.rate == 8000 else "stereo"
        audio = container.add_stream(kind.sound, rate=kind.rate, layout=layout)
        codec = audio.codec_context
        codec.bit_rate = 12_200 if kind.rate == 8000 else 128_000
        codec.open()
        resampler = av.AudioResampler(format=codec.format, layout=layout, rate=kind.rate, frame_size=codec.frame_size)
        for packet in _packets(kind, seconds, video, audio, resampler):
            container.mux(packet)
    return path


def _packets(kind, seconds, video, audio, resampler):
    """Of both streams, in step: some containers are written in the order in which packets come."""
    dark, light = (np.full((kind.size[1], kind.size[0], 3), shade, np.uint8) for shade in (20, 235))
    sent = 0
    for number in range(round(seconds * kind.fps)):
        lit = number >= kind.fps and number / kind.fps % 1 < FLASH_S
        frame = av.VideoFrame.from_ndarray(light if lit else dark)
        frame.pts, frame.time_base = number, 1 / kind.fps
        yield from video.encode(frame)
        until = round((number + 1) / kind.fps * AUDIO_RATE)
        t = np.arange(sent, until) / AUDIO_RATE
        click = np.sin(2 * np.pi * 1000 * t) * (((t + 1e-6) % 1 < 0.05) & (t > 0.5))
        part = av.AudioFrame.from_ndarray(np.stack([0.6 * click] * 2).astype(np.float32), format="fltp", layout="stereo")
        part.sample_rate, part.pts, part.time_base = AUDIO_RATE, sent, Fraction(1, AUDIO_RATE)
        for ready in resampler.resample(part):
            yield from audio.encode(ready)
        sent = until
    yield from video.encode()
    for ready in resampler.resample(None):
        yield from audio.encode(ready)
    yield from audio.encode()


def apart(clip: Path) -> NDArray[np.float64]:
    """By how many seconds each click of a clip is later than its flash; those at the clip's edges do not count."""
    info = inspect(clip)
    light = np.array([frame.mean() for frame in stream_frames(clip, range(len(info.timestamps)))]) > 110
    flashes = info.timestamps[1:][light[1:] & ~light[:-1]]
    samples = read_sound(clip, 0, info.seconds).samples
    assert samples is not None
    loud = np.flatnonzero(np.abs(samples[0]) > 0.15) / AUDIO_RATE
    clicks = loud[np.concatenate([[True], np.diff(loud) > 0.3])] if len(loud) else loud
    inner = flashes[(flashes > 0.2) & (flashes < info.seconds - 0.3)]
    assert len(inner), f"{clip} has no flash"
    return np.array([clicks[np.abs(clicks - flash).argmin()] - flash for flash in inner])
