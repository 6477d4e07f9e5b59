"""Videos that carry their frame's number as a bar code, so that a frame tells which one it is."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facedance.video.sound import AUDIO_RATE

BITS = 10
WIDTH, HEIGHT = 160, 64
B_FRAMES = {"preset": "ultrafast", "bf": "3", "g": "24", "b-pyramid": "normal"}


def coded(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of `BITS` bars from the lowest bit on, white for one."""
    bits = [255 if number >> bit & 1 else 0 for bit in range(BITS)]
    columns = np.array(bits, np.uint8)[np.arange(width) * BITS // width]
    return np.broadcast_to(columns[None, :, None], (height, width, 3)).copy()


def code_of(frame: NDArray[np.uint8]) -> int:
    height, width = frame.shape[:2]
    middles = (np.arange(BITS) + 0.5) * width / BITS
    return sum(int(frame[height // 2, int(x)].mean() > 127) << bit for bit, x in enumerate(middles))


def codes_of(frames: Iterable[NDArray[np.uint8]]) -> list[int]:
    return [code_of(frame) for frame in frames]


def beeps(seconds: float, at: Sequence[float]) -> NDArray[np.float32]:
    """Sound (2, samples): silence, and 50 ms of a tone from each of the given seconds on."""
    t = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    heard = np.any([(t >= start) & (t < start + 0.05) for start in at], axis=0)
    return np.stack([0.5 * np.sin(2 * np.pi * 1000 * t) * heard] * 2).astype(np.float32)


def onset(sound: NDArray[np.float32]) -> float:
    """When the sound (2, samples) is first loud, in seconds."""
    return float(np.argmax(np.abs(sound[0]) > 0.2)) / AUDIO_RATE


def make_video(
    path: Path,
    times: Sequence[float] | NDArray[np.float64],
    *,
    codec: str = "libx264",
    codec_options: dict[str, str] | None = None,
    tick: Fraction = Fraction(1, 90000),
    pixels: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    sound: NDArray[np.float32] | None = None,
    delay: float = 0.0,
    options: dict[str, str] | None = None,
    picture: Callable[[int, int, int], NDArray[np.uint8]] | None = None,
) -> Path:
    """A coded video with a frame at each of the times, all of it later by `delay` seconds."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=60, options=codec_options or B_FRAMES)
        video.width, video.height, video.pix_fmt = *size, pixels
        video.codec_context.time_base = tick
        audio = container.add_stream("aac", rate=AUDIO_RATE) if sound is not None else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray((picture or coded)(number, *size), format="rgb24")
            frame.pts, frame.time_base = round((time + delay) / tick), tick
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start in range(0, sound.shape[1], 1024) if sound is not None else []:
            part = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[:, start : start + 1024]), format="fltp", layout="stereo"
            )
            part.sample_rate, part.pts, part.time_base = AUDIO_RATE, start + round(delay * AUDIO_RATE), Fraction(1, AUDIO_RATE)
            container.mux(audio.encode(part))
        if audio is not None:
            container.mux(audio.encode())
    return path
