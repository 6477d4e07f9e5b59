"""Scores by second: how a long render changes on its way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.agreement import Wanted, faces_of, pose_of
from facedance.evaluate.colours import Colour, hue, hue_shift
from facedance.evaluate.observe import Observation


@dataclass(frozen=True)
class Second:
    """One second of a render; None where there is nothing to measure."""

    second: int
    face_detected_rate: float | None
    identity_distance: float | None
    recognised_rate: float | None
    pose_pck: float | None
    background_shift: float | None  # grey levels by which its mean colour is off the first second's, in the channel most off
    clothes_hue_shift: float | None  # degrees by which the hue on the torso is off the first second's
    change: float | None  # the largest between successive frames, in grey levels


def by_second(seen: Observation, wanted: Wanted, fps: int) -> list[Second]:
    """The seconds of a render in their order. The last one has what is left, half a second to one and a half."""
    parts = spans(len(seen.people), fps)
    background = [_mean(seen.background[start:stop]) for start, stop in parts]
    hues = [hue(_mean(seen.clothes[start:stop])) for start, stop in parts]
    seconds = []
    for number, (start, stop) in enumerate(parts):
        faces = faces_of(seen, wanted, start, stop)
        seconds.append(
            Second(
                second=number,
                face_detected_rate=faces.face_detected_rate if faces else None,
                identity_distance=faces.identity_distance if faces else None,
                recognised_rate=faces.recognised_rate if faces else None,
                pose_pck=pose_of(seen, wanted, start, stop).pck,
                background_shift=_known(float(np.abs(background[number] - background[0]).max())),
                clothes_hue_shift=_known(hue_shift(hues[number], hues[0])),
                change=_known(float(np.fmax.reduce(seen.changes[start:stop]))),
            )
        )
    return seconds


def spans(frames: int, fps: int) -> list[tuple[int, int]]:
    """First frame of each second, and the frame after its last."""
    count = max(round(frames / fps), 1)
    return [(fps * i, fps * (i + 1) if i < count - 1 else frames) for i in range(count)]


def _mean(colours: NDArray[np.float64]) -> Colour:
    """The mean of colours (T, 3), of which those that are NaN do not count."""
    known = colours[~np.isnan(colours).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.full(3, np.nan)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
