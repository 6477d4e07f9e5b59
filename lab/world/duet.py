"""Two dancers in one scene: side by side, or one partly before the other."""

import numpy as np

from facedance.sample.dancer import Camera, Dancer, draw, empty_room
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
    cameras = []
    for i in range(2):
        far = depth if i != nearer else 1.0  # farther is smaller, and its feet are higher in the picture
        aside = middle + left * (0.5 - i) * apart
        cameras.append(Camera(large, round(large * (0.86 + 0.14 * far)), zoom * far, aside))
    skeletons = [performed(who, moves, np.arange(frames), rng) for who in pair]
    heads = [Head(who.face, who.body.head * camera.scale) for who, camera in zip(pair, cameras, strict=True)]
    room = empty_room(pair[0], Camera(large, large))
    pictures, tracks = [], np.zeros((2, frames, 17, 2), np.float32)
    for t in range(frames):
        picture = room
        for i in (1 - nearer, nearer):
            picture, tracks[i, t] = draw(pair[i], heads[i], skeletons[i], t, cameras[i], picture)
        pictures.append(picture)
    shown, control = (
        np.stack([small(picture, side) for picture in pictures]),
        drawn_together([uncertain(track, side, rng) for track in tracks], side),
    )
    first, second = (
        Scene(shown, np.stack(pictures), control, head_boxes(who, skeleton, camera), track)
        for who, skeleton, camera, track in zip(pair, skeletons, cameras, tracks, strict=True)
    )
    return first, second


def drawn_together(poses: list[np.ndarray], side: int) -> np.ndarray:
    """Control pictures (T, side, side, 3) of several bodies, each with OpenPose's joints (T, 18, 3) in larger pixels."""
    return np.maximum.reduce([drawn(pose, side) for pose in poses])
