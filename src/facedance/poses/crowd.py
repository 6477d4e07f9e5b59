"""Everybody in a frame, and in the frames of a clip, with a landmarker that sees one large person best.

MediaPipe's detector sees a picture in 224 x 224, and of people whose heads are near to each other it reports one. So the whole
picture is looked at in square tiles, and then each person by themselves: in a window around where they are or were.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.assign import TRUNK, Seen, place_of, unit_of
from facedance.poses.landmarker import Landmarker
from facedance.poses.looks import mirrored
from facedance.poses.skeleton import MEDIAPIPE
from facedance.video.pictures import Frame

MOST = 6
"""So many people are told apart in a group."""

_WIDER = 1.25  # width by height from which a picture is looked at in tiles too
_STEP = 0.5  # of a tile's side: where the next begins at the latest
_ALL_EVERY = 4  # frames: so often everything is looked at, for those who come
_MARGIN = 0.4  # of somebody's height: so far their window reaches beyond them
_BLACK = 0.08  # of somebody's height: so far hair and hands reach beyond their landmarks
_SMALLEST = 16  # pixels of a window's side
_KEPT = 8  # frames for which somebody unseen is looked for where they were
_SAME = 0.4  # of a trunk: nearer ones are one person seen twice
_SAME_WINDOW = 0.75  # share that windows have in common from which one is enough

_Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels."""

_Known = tuple[NDArray[np.float32], int]
"""Somebody, landmarks (33, 4), and for how many frames they have not been seen."""


def everybody(frame: Frame, finder: Landmarker) -> NDArray[np.float32]:
    """The people (P, 33, 4) in a frame (H, W, 3), each once, the most clearly seen first.

    Args:
        finder: a landmarker in image mode for `MOST` people.
    """
    height, width = frame.shape[:2]
    windows = [(0, 0, width, height), *_tiles(width, height)]
    people = distinct(np.concatenate([_look(frame, window, finder) for window in windows]))
    if not len(people):
        return people
    # Whom it is surest of keeps it from reporting others near by, so they are looked for where these are black.
    others = frame.copy()
    for x0, y0, x1, y1 in (_box(person, _BLACK, width, height) for person in people):
        others[y0:y1, x0:x1] = 0
    return distinct(np.concatenate([people, *(_look(others, window, finder) for window in windows)]))


def sight_everybody(frames: Sequence[Frame], finder: Landmarker) -> list[Seen]:
    """Who is seen in each of the frames (H, W, 3), which are looked at one by one.

    People are looked for where they were in the frame before, and then, where that has them not yet or no more, from the last
    frame back where they will be.

    Args:
        finder: as for `everybody`.
    """
    clip = _ahead(frames, finder)
    known: list[_Known] = []
    for t in range(len(clip) - 1, -1, -1):
        if missing := [person for person, _ in known if not _is_among(person, clip[t].people)]:
            clip[t] = _with(clip[t], _seen_near(missing, frames[t], finder))
        known = _go_on(known, clip[t])
    return clip


def _ahead(frames: Iterable[Frame], finder: Landmarker) -> list[Seen]:
    """Who is seen, from the first frame on."""
    clip: list[Seen] = []
    known: list[_Known] = []
    for t, frame in enumerate(frames):
        expected = [person for person, _ in known]
        if t % _ALL_EVERY == 0:
            expected = (
                list(distinct(np.stack([*everybody(frame, finder), *expected]))) if expected else [*everybody(frame, finder)]
            )
        seen = _seen_near(expected, frame, finder)
        clip.append(seen)
        known = _go_on(known, seen)
    return clip


def _go_on(known: Sequence[_Known], seen: Seen) -> list[_Known]:
    """Who is known after one more frame: those seen in it, and for some frames those who are not."""
    lost = [(person, missed + 1) for person, missed in known if missed < _KEPT and not _is_among(person, seen.people)]
    return [*((person, 0) for person in seen.people), *lost]


def distinct(people: NDArray[np.float32]) -> NDArray[np.float32]:
    """The people (P, 33, 4) without those who are there twice; of two skeletons of one the more visible one stays."""
    kept: list[NDArray[np.float32]] = []
    for k in np.argsort(-people[:, :, 3].mean(axis=1), kind="stable"):
        if not any(_apart(people[k], other) < _SAME for other in kept):
            kept.append(people[k])
    return np.stack(kept) if kept else people[:0]


def looks_of(people: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    """Colours (P, 5, 3) in Lab of trunk, thighs, shins, face and hair of people (P, 33, 4) in a frame; NaN out of the picture."""
    height, width = frame.shape[:2]
    looks = np.full((len(people), len(_SPOTS), 3), np.nan, np.float32)
    for look, person in zip(looks, people[..., :2], strict=True):
        for part, weights in zip(look, _SPOTS, strict=True):
            x, y = np.floor(weights @ person).astype(int).T
            inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
            if inside.any():
                pixels = frame[y[inside], x[inside]].astype(np.float32)[None] / 255
                part[:] = np.median(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[0], axis=0)
    return looks


def _seen_near(expected: Sequence[NDArray[np.float32]], frame: Frame, finder: Landmarker) -> Seen:
    """Who is seen in the windows around people (33, 4)."""
    height, width = frame.shape[:2]
    people, mirror = [np.zeros((0, len(MEDIAPIPE), 4), np.float32)], [np.zeros((0, len(MEDIAPIPE), 4), np.float32)]
    for window in _windows(expected, width, height):
        people.append(_look(frame, window, finder))
        mirror.append(_look(frame, window, finder, mirror=True))
    first, second = np.concatenate(people), np.concatenate(mirror)
    found = distinct(np.concatenate([first, second]))
    again = np.full_like(found, np.nan)
    one_of_each = found.copy()
    for k, person in enumerate(found):
        a, b = (_nearest(person, those) for those in (first, second))
        one_of_each[k] = b if a is None else a
        if a is not None and b is not None:
            again[k] = b
    return Seen(one_of_each, again, looks_of(one_of_each, frame))


def _with(seen: Seen, more: Seen) -> Seen:
    """Those seen, and more of whom none is among them."""
    new = [k for k, person in enumerate(more.people) if all(_apart(person, other) >= _SAME for other in seen.people)]
    pairs = ((seen.people, more.people), (seen.mirror, more.mirror), (seen.looks, more.looks))
    return Seen(*(np.concatenate([those, others[new]]) for those, others in pairs))


def _nearest(person: NDArray[np.float32], people: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Who of the people (P, 33, 4) is this one, most clearly seen; None if nobody is."""
    same = [other for other in people if _apart(person, other) < _SAME]
    return max(same, key=lambda other: float(other[:, 3].mean()), default=None)


def _look(frame: Frame, window: _Window, finder: Landmarker, mirror: bool = False) -> NDArray[np.float32]:
    """The people (P, 33, 4) in a window x0, y0, x1, y1 of a frame, or in its mirror image; in pixels of the frame."""
    x0, y0, x1, y1 = window
    part = frame[y0:y1, x0:x1]
    people = mirrored(finder.detect(part[:, ::-1]), x1 - x0) if mirror else finder.detect(part)
    return people + np.array([x0, y0, 0, 0], np.float32)


def _tiles(width: int, height: int) -> list[_Window]:
    """Squares that cover a long picture, each with half of its neighbour in it; none of one that is nearly square."""
    side, long = min(width, height), max(width, height)
    if long < _WIDER * side:
        return []
    starts = np.linspace(0, long - side, 1 + int(np.ceil((long - side) / (_STEP * side)))).astype(int).tolist()
    return [(s, 0, s + side, side) if width > height else (0, s, side, s + side) for s in starts]


def _windows(people: Sequence[NDArray[np.float32]], width: int, height: int) -> list[_Window]:
    """A window around each of the people (33, 4) who are in the picture; one for two that would be nearly the same."""
    windows: list[_Window] = []
    for person in people:
        window = _box(person, _MARGIN, width, height)
        inside = min(window[2] - window[0], window[3] - window[1]) >= _SMALLEST
        if inside and not any(_common(window, other) > _SAME_WINDOW for other in windows):
            windows.append(window)
    return windows


def _box(person: NDArray[np.float32], margin: float, width: int, height: int) -> _Window:
    """The part of a picture around somebody (33, 4), with a margin in their heights."""
    low, high = person[:, :2].min(axis=0), person[:, :2].max(axis=0)
    space = margin * max(float(high[1] - low[1]), unit_of(person))
    x0, y0 = np.clip(low - space, 0, [width, height]).astype(int).tolist()
    x1, y1 = np.clip(high + space, 0, [width, height]).astype(int).tolist()
    return x0, y0, x1, y1


def _common(one: _Window, other: _Window) -> float:
    """Intersection by union of two windows."""
    a, b = np.array(one), np.array(other)
    both = float(np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)))
    return both / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - both)


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean distance of two people's trunks, in trunks."""
    return float(np.linalg.norm(one[TRUNK, :2] - other[TRUNK, :2], axis=-1).mean()) / max(unit_of(one), unit_of(other))


def _is_among(person: NDArray[np.float32], people: NDArray[np.float32]) -> bool:
    """Whether somebody of the people (P, 33, 4) is where a person was."""
    return any(float(np.linalg.norm(place_of(other) - place_of(person))) < unit_of(person) for other in people)


def _spots() -> tuple[NDArray[np.float64], ...]:
    """For each part of a body, weights (S, 33) of the landmarks that give its spots."""
    eye = np.eye(len(MEDIAPIPE))

    def at(name: str) -> NDArray[np.float64]:
        return eye[MEDIAPIPE.index(name)]

    def between(start: str, end: str, shares: tuple[float, ...]) -> list[NDArray[np.float64]]:
        return [at(f"{s}_{start}") * (1 - k) + at(f"{s}_{end}") * k for s in ("left", "right") for k in shares]

    trunk = []
    for down in (0.15, 0.35, 0.55, 0.75):
        left, right = (at(f"{s}_shoulder") * (1 - down) + at(f"{s}_hip") * down for s in ("left", "right"))
        trunk += [left * (1 - k) + right * k for k in (0.25, 0.4, 0.5, 0.6, 0.75)]
    eyes, mouth = (at(left) / 2 + at(right) / 2 for left, right in (("left_eye", "right_eye"), ("mouth_left", "mouth_right")))
    face = [at("nose"), eyes, mouth, *(at(f"{s}_eye_outer") for s in ("left", "right"))]
    hair = [eyes + k * (eyes - mouth) for k in (0.9, 1.1, 1.3)]
    parts = (trunk, between("hip", "knee", (0.3, 0.5, 0.7, 0.9)), between("knee", "ankle", (0.2, 0.4, 0.6, 0.8)), face, hair)
    return tuple(np.stack(part) for part in parts)


_SPOTS = _spots()
