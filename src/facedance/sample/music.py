"""Music to dance to: drums and a bass line, synthesised."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 44100
"""Samples a second."""

_SCALE = (0, 3, 5, 7, 10)  # minor pentatonic, in semitones


def synthesise(seconds: float, beats_per_minute: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Mono sound (samples,): a bass drum on every beat, a clap on every second one, a hi-hat between, a drawn bass line."""
    sound = np.zeros(round(seconds * RATE))
    beat = 60 / beats_per_minute
    notes = 55 * 2 ** (rng.choice(_SCALE, 8) / 12)
    kick, clap, hat = _kick(), _noise(0.12, 30, rng), _noise(0.05, 90, rng)
    for i in range(int(seconds / beat) + 1):
        _add(sound, kick, i * beat, 0.5)
        if i % 2:
            _add(sound, clap, i * beat, 0.25)
        for half in (0.0, 0.5):
            _add(sound, hat, (i + half) * beat, 0.1)
            _add(sound, _bass(notes[(2 * i + int(2 * half)) % 8], 0.45 * beat), (i + half) * beat, 0.2)
    return (32767 * sound.clip(-1, 1)).astype(np.int16)


def write_wav(path: Path, sound: NDArray[np.int16]) -> None:
    """Write mono sound (samples,) as a wave file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.astype("<i2").tobytes())


def _add(sound: NDArray[np.float64], part: NDArray[np.float64], at: float, volume: float) -> None:
    start = round(at * RATE)
    room = sound[start : start + len(part)]
    room += volume * part[: len(room)]


def _kick() -> NDArray[np.float64]:
    t = np.arange(round(0.2 * RATE)) / RATE
    return np.sin(2 * np.pi * (45 * t - 6 * np.exp(-t * 30))) * np.exp(-t * 18)


def _noise(seconds: float, decay: float, rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    return rng.uniform(-1, 1, len(t)) * np.exp(-t * decay)


def _bass(hertz: float, seconds: float) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * hertz * t) + 0.4 * np.sin(4 * np.pi * hertz * t)
    faded: NDArray[np.float64] = tone * np.exp(-t * 3) * (1 - t / seconds)
    return faded
