"""Colours of a render that should stay as they were: those of the background and of the dancer's clothes."""

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.skeleton import MEDIAPIPE
from facedance.video.pictures import Frame

LEAST_CHROMA = 12
"""Grey levels between the strongest and the weakest channel from which a colour has a hue: one more or less in a channel then
turns it by 5 degrees at most."""

_MARGIN = 0.15  # of the dancer's height: so far hair, hands and clothes reach beyond the landmarks
_REDUCED = 4  # times in width and height: means of colours need no more pixels
_LEAST_TORSO = 16  # pixels; a torso seen from the side can be a line
_TORSO = [MEDIAPIPE.index(f"{side}_{joint}") for joint in ("shoulder", "hip") for side in ("left", "right")]

Colour = NDArray[np.float64]
"""(3,) R, G, B in grey levels; NaN where nothing is seen of it."""

_UNSEEN = np.full(3, np.nan)


class Background:
    """The background's mean colour in frames that come one by one.

    Each frame is compared with how the same pixels looked in the first frames, where neither shows the dancer: which pixels the
    dancer leaves free changes all the time, and must not count.
    """

    def __init__(self, first: int) -> None:
        """`first`: how many frames with a dancer the others are compared with."""
        self._count = first
        self._waiting: list[tuple[Frame, NDArray[np.bool_]] | None] = []  # None: no background is seen
        self._reference: tuple[NDArray[np.float64], NDArray[np.bool_]] | None = None  # (h, w, 3), and where it is known
        self._colours: list[Colour] = []

    def add(self, frame: Frame, *people: NDArray[np.float32]) -> None:
        """Go on with the next frame (H, W, 3) and the landmarks (33, 4) of those who dance in it, NaN of who is not seen."""
        away = _away_from(people, frame.shape[1], frame.shape[0])
        seen = (cv2.resize(frame, away.shape[::-1], interpolation=cv2.INTER_AREA), away) if away.any() else None
        if self._reference is not None:
            self._colours.append(self._colour(seen))
            return
        self._waiting.append(seen)
        if sum(frame is not None for frame in self._waiting) == self._count:
            self._begin()

    def colours(self) -> NDArray[np.float64]:
        """The colour (T, 3) in each frame so far."""
        if self._reference is None:
            self._begin()
        return np.stack(self._colours)

    def _begin(self) -> None:
        seen = [frame for frame in self._waiting if frame is not None]
        if seen:
            times = np.sum([away for _, away in seen], axis=0)[..., None]  # (h, w, 1)
            total = np.sum([picture * away[..., None].astype(np.float64) for picture, away in seen], axis=0)
            self._reference = total / np.maximum(times, 1), times[..., 0] > 0
        self._colours = [self._colour(frame) for frame in self._waiting]
        self._waiting = []

    def _colour(self, seen: tuple[Frame, NDArray[np.bool_]] | None) -> Colour:
        if seen is None or self._reference is None:
            return _UNSEEN
        (picture, away), (reference, known) = seen, self._reference
        both = away & known
        if not both.any():
            return _UNSEEN
        colour: Colour = reference[known].mean(axis=0) + (picture[both] - reference[both]).mean(axis=0)
        return colour


def clothes_colour(frame: Frame, person: NDArray[np.float32]) -> Colour:
    """Mean colour of the torso, between shoulders and hips, of a dancer with landmarks (33, 4) in a frame (H, W, 3)."""
    if np.isnan(person[_TORSO, :2]).any():
        return _UNSEEN
    torso = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(torso, cv2.convexHull(person[_TORSO, :2].round().astype(np.int32)), 1)
    return np.array(cv2.mean(frame, torso)[:3]) if torso.sum() >= _LEAST_TORSO else _UNSEEN


def hue(colour: Colour) -> float:
    """Hue in degrees; NaN of a colour that is too near to grey to have one, or unknown."""
    if not np.ptp(colour) >= LEAST_CHROMA:
        return float("nan")
    return 360 * colorsys.rgb_to_hsv(*(colour / 255).tolist())[0]


def hue_shift(one: float, other: float) -> float:
    """Degrees between two hues, at most 180."""
    return abs((one - other + 180) % 360 - 180)


def _away_from(people: Sequence[NDArray[np.float32]], width: int, height: int) -> NDArray[np.bool_]:
    """Which pixels (h, w) of the reduced picture are outside of the dancers' surroundings; none where one of them is not seen."""
    shape = -(-height // _REDUCED), -(-width // _REDUCED)
    if any(np.isnan(person[:, :2]).any() for person in people):
        return np.zeros(shape, np.bool_)
    away = np.ones(shape, np.bool_)
    for person in people:
        low, high = person[:, :2].min(axis=0), person[:, :2].max(axis=0)
        margin = _MARGIN * (high[1] - low[1])
        x0, y0 = (max(int(np.floor(v / _REDUCED)), 0) for v in low - margin)
        x1, y1 = (max(int(np.ceil(v / _REDUCED)), 0) for v in high + margin)
        away[y0:y1, x0:x1] = False
    return away
