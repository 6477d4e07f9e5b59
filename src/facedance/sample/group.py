"""Several dancers in one picture: they cross one another, leave and come back, and where everybody's joints are is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.sample.dancer import Camera, Dancer, draw
from facedance.sample.head import Head
from facedance.sample.motion import Move, Skeleton, arrange, perform
from facedance.sample.portrait import Image, Points

_ZOOM, _DEPTH = (0.7, 0.82), (0.86, 0.97)  # of the nearest dancer, and share of it that the next farther one has
_WIDE = {2: 0.19, 3: 0.29}  # how far from the middle the outermost stand, in widths
_WALK_S, _STAY_S = (0.8, 1.4), (0.3, 0.9)
_AWAY, _AWAY_SHARE = 0.85, 0.2  # place out of the picture, in widths from the middle, and share of the walks that lead there


@dataclass(frozen=True)
class Performer:
    """One of a group over T frames."""

    who: Dancer
    head: Head
    skeleton: Skeleton
    cameras: Sequence[Camera]  # one for each frame, all with the scale that the head has


@dataclass(frozen=True)
class Stage:
    """The picture and how much of it there is."""

    width: int
    height: int
    frames: int
    fps: float


def draw_group(performers: Sequence[Performer], frame: int, room: Image) -> tuple[Image, list[Points]]:
    """All of them in the room at one frame, the first farthest away: picture (H, W, 3), and joints (17, 2) of each."""
    picture, joints = room, []
    for one in performers:
        picture, points = draw(one.who, one.head, one.skeleton, frame, one.cameras[frame], picture)
        joints.append(points)
    return picture, joints


def perform_group(
    people: Sequence[Dancer], moves: tuple[Move, ...], stage: Stage, tempo: float, rng: np.random.Generator
) -> list[Performer]:
    """They dance, each on their own, in places that two of them exchange now and then; the farthest comes first.

    Args:
        people: two or three.
        tempo: beats a minute.
    """
    beats = np.arange(stage.frames) / stage.fps * tempo / 60
    zoom, far = rng.uniform(*_ZOOM), 1.0
    ways = ways_of_group(len(people), stage, rng)
    performers = []
    for who, way in zip(people, ways, strict=True):
        # Farther is smaller, and the feet are higher in the picture.
        flat = Camera(stage.width, round(stage.height * (0.8 + 0.2 * far)), zoom * far)
        cameras = [Camera(flat.width, flat.height, flat.zoom, float(aside)) for aside in way]
        skeleton = perform(arrange(moves, int(beats[-1]) // 4 + 2, rng), beats, who.body)
        performers.append(Performer(who, Head(who.face, who.body.head * flat.scale), skeleton, cameras))
        far *= rng.uniform(*_DEPTH)
    return performers[::-1]


def ways_of_group(count: int, stage: Stage, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where each of a group is in each frame (P, T), in widths right of the middle."""
    spots = rng.permutation(np.linspace(-_WIDE[count], _WIDE[count], count))
    times, places = [0.0], [spots]
    while times[-1] < stage.frames / stage.fps:
        spots = spots.copy()
        if rng.random() < _AWAY_SHARE:
            one = int(rng.integers(count))
            home, spots[one] = spots[one], np.copysign(_AWAY, spots[one] or 1.0)
            _walk(times, places, spots, rng)
            spots = spots.copy()
            spots[one] = home
        else:
            pair = rng.choice(count, 2, replace=False)
            spots[pair] = spots[pair[::-1]]
        _walk(times, places, spots, rng)
    at = np.arange(stage.frames) / stage.fps
    # A walk begins and ends slowly: its share of the way is a smooth step of its share of the time.
    leg = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    share = (at - np.array(times)[leg]) / np.diff(times)[leg]
    share = (share * share * (3 - 2 * share))[:, None]
    way = np.stack(places)
    moved: NDArray[np.float64] = (way[leg] * (1 - share) + way[leg + 1] * share).T
    return moved


def _walk(times: list[float], places: list[NDArray[np.float64]], spots: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Go on with a stay where everybody is, and a walk to other places."""
    times += [times[-1] + rng.uniform(*_STAY_S)]
    places += [places[-1], spots]
    times += [times[-1] + rng.uniform(*_WALK_S)]
