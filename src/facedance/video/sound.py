"""The sound of a media file, in step with its pictures."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facedance.video.decoding import shown_frames
from facedance.video.opening import UnreadableVideo, open_media, packets_of, sound_of

AUDIO_RATE = 48000
"""Samples a second of every sound that is read or written."""

_OUT_OF_STEP_S = 0.02  # sound further from its own times is put where these say; containers round them to milliseconds


@dataclass(frozen=True)
class Sound:
    """`samples` (2, N) at AUDIO_RATE, None when there is none, and what to tell of it, in a few words."""

    samples: NDArray[np.float32] | None
    told: str = ""


def has_sound(path: Path | str) -> tuple[bool, str]:
    """Whether a media file has sound that can be decoded, and what to tell where it has only sound that cannot."""
    with open_media(path) as container:
        stream, told = sound_of(container)
        return stream is not None, told


def read_sound(path: Path | str, start: float, seconds: float) -> Sound:
    """Sound from `start` seconds after the first picture that is shown (or the file's start, where there are no pictures)
    on, zero-padded to `seconds`.

    What cannot be decoded is silent and told.
    """
    try:
        origin = next(shown_frames(path)).time
    except (UnreadableVideo, StopIteration):
        origin = 0.0
    try:
        with open_media(path) as container:
            stream, told = sound_of(container)
            if stream is None:
                return Sound(None, told)
            placed = _Placed(origin + start, round(seconds * AUDIO_RATE))
            damaged = _decode(container, stream, placed)
    except av.FFmpegError as error:
        return Sound(None, f"silent: the sound cannot be decoded ({error.strerror})")
    places = f"{damaged} places" if damaged > 1 else "one place"
    return Sound(placed.out, f"silent in {places} where the sound is damaged" if damaged else "")


def _decode(container: "av.container.InputContainer", stream: av.AudioStream, placed: "_Placed") -> int:
    """Fill `placed` with what can be decoded; how often something cannot, between its start and its end."""
    damaged, failing = 0, False
    for packet in packets_of(container, stream):
        try:
            frames = packet.decode()
            failed = bool(packet.is_corrupt)
        except av.FFmpegError:
            frames, failed = [], True
        within = packet.pts is None or packet.time_base is None or placed.covers(float(packet.pts * packet.time_base))
        damaged += failed and not failing and within
        failing = failed
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                placed.add(frame)
        if placed.full:
            break
    placed.end()
    return damaged


class _Placed:
    """Sound of any layout and rate, resampled and laid where its times say."""

    def __init__(self, origin: float, samples: int) -> None:
        self.out = np.zeros((2, samples), np.float32)
        self._origin = origin
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[object, ...] = ()
        self._position = 0  # in `out` of the next samples that the resampler gives
        self._next = 0.0  # time at which the next frame is due

    @property
    def full(self) -> bool:
        return self._resampler is not None and self._position >= self.out.shape[1]

    def covers(self, time: float) -> bool:
        """Whether a time of the file's own clock lies in what is read."""
        return self._origin <= time < self._origin + self.out.shape[1] / AUDIO_RATE

    def add(self, frame: av.AudioFrame) -> None:
        """Lay a frame behind the last one, or where its time says if that is somewhere else."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        time = frame.time if frame.time is not None else self._next
        if self._resampler is None or form != self._format or abs(time - self._next) > _OUT_OF_STEP_S:
            self.end()
            self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
            self._format = form
            self._position, self._next = round((time - self._origin) * AUDIO_RATE), time
        self._next += frame.samples / frame.sample_rate
        for part in self._resampler.resample(frame):
            self._lay(part.to_ndarray())

    def end(self) -> None:
        """Lay what the resampler still holds."""
        for part in self._resampler.resample(None) if self._resampler is not None else []:
            self._lay(part.to_ndarray())
        self._resampler = None

    def _lay(self, samples: NDArray[np.float32]) -> None:
        position = self._position
        a, b = max(position, 0), min(position + samples.shape[1], self.out.shape[1])
        if a < b:
            self.out[:, a:b] = samples[:, a - position : b - position]
        self._position = position + samples.shape[1]
