"""Two dancers in one scene: side by side, or one partly before the other."""

import numpy as np

from facedance.sample.dancer import Camera, Dancer, empty_room
from facedance.sample.group import Performer, draw_group
from facedance.sample.head import Head
from facedance.sample.motion import Move
from lab.world.scene import OVERSAMPLING, Scene, drawn, head_boxes, performed, small, uncertain

_NEAR, _DEPTH, _APART = (0.6, 0.85), (0.75, 1.0), (0.16, 0.5)
"""Zoom of the nearer one, share of it that the farther one has, and how far apart they stand, in widths."""


def duet(
    pair: tuple[Dancer, Dancer], moves: tuple[Move, ...], frames: int, side: int, rng: np.random.Generator
) -> tuple[Scene, Scene]:
    """The scene once for each of the pair: pictures and control are the same, which shows both; heads and joints are theirs.

    They dance, each on their own, in the room of the first, who is the nearer one in half of the scenes and stands on the left
    in half of them.
    """
    large = OVERSAMPLING * side
    zoom, apart, left = rng.uniform(*_NEAR), rng.uniform(*_APART), rng.choice([-1, 1])
    depth, nearer = rng.uniform(*_DEPTH), int(rng.integers(2))
    middle = rng.uniform(-0.08, 0.08)
    performers = []
    for i, who in enumerate(pair):
        far = depth if i != nearer else 1.0  # farther is smaller, and its feet are higher in the picture
        aside = middle + left * (0.5 - i) * apart
        camera = Camera(large, round(large * (0.86 + 0.14 * far)), zoom * far, aside)
        skeleton = performed(who, moves, np.arange(frames), rng)
        performers.append(Performer(who, Head(who.face, who.body.head * camera.scale), skeleton, [camera] * frames))
    room = empty_room(pair[0], Camera(large, large))
    order = (1 - nearer, nearer)
    pictures, tracks = [], np.zeros((2, frames, 17, 2), np.float32)
    for t in range(frames):
        picture, tracks[order, t] = draw_group([performers[i] for i in order], t, room)
        pictures.append(picture)
    shown, control = (
        np.stack([small(picture, side) for picture in pictures]),
        drawn_together([uncertain(track, side, rng) for track in tracks], side),
    )
    first, second = (
        Scene(shown, np.stack(pictures), control, head_boxes(one.who, one.skeleton, one.cameras[0]), track)
        for one, track in zip(performers, tracks, strict=True)
    )
    return first, second


def drawn_together(poses: list[np.ndarray], side: int) -> np.ndarray:
    """Control pictures (T, side, side, 3) of several bodies, each with OpenPose's joints (T, 18, 3) in larger pixels."""
    return np.maximum.reduce([drawn(pose, side) for pose in poses])
