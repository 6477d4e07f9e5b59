"""Drawn duets and trios who cross, leave and come back, two dances side by side, and how well it is known who is who."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from facedance.poses.skeleton import COCO
from facedance.sample.dancer import Camera, dancer, draw, empty_room
from facedance.sample.group import Stage, draw_group, perform_group
from facedance.sample.head import Head
from facedance.sample.motion import VOCABULARY, arrange, perform
from facedance.sample.portrait import Image
from facedance.sample.traits import generator

_MOVES = tuple(dict.fromkeys(move for moves in VOCABULARY.values() for move in moves))
_TRUNK = [COCO.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]


def group(seed: str, count: int, stage: Stage) -> Iterator[tuple[Image, NDArray[np.float32]]]:
    """Pictures (H, W, 3) of a group of freely drawn people and their joints (P, 17, 2), from left to right in the first one."""
    rng = generator(f"group {seed}", count)
    people = [dancer(f"group {seed} {i}", count) for i in range(count)]
    performers = perform_group(people, _MOVES, stage, rng.uniform(90, 130), rng)
    room = empty_room(people[0], Camera(stage.width, stage.height))
    order = np.argsort([one.cameras[0].aside for one in performers])
    for frame in range(stage.frames):
        picture, joints = draw_group(performers, frame, room)
        yield picture, np.stack(joints)[order]


def side_by_side(names: tuple[str, ...], stage: Stage) -> Iterator[tuple[Image, NDArray[np.float32]]]:
    """As `group`, of dances that were filmed each by itself, beside each other in one picture of the stage's width."""
    part = stage.width // len(names)
    camera = Camera(part, stage.height, 0.8)
    beats = np.arange(stage.frames) / stage.fps * 110 / 60
    parts = []
    for name in names:
        who = dancer(name, 0)
        skeleton = perform(arrange(_MOVES, int(beats[-1]) // 4 + 2, generator(name, 0)), beats, who.body)
        parts.append((who, Head(who.face, who.body.head * camera.scale), skeleton, empty_room(who, camera)))
    for frame in range(stage.frames):
        drawn = [draw(who, head, skeleton, frame, camera, room) for who, head, skeleton, room in parts]
        joints = [points + np.float32([i * part, 0]) for i, (_, points) in enumerate(drawn)]
        yield np.concatenate([picture for picture, _ in drawn], axis=1), np.stack(joints)


def ids_kept(found: NDArray[np.floating], truth: NDArray[np.floating], size: tuple[int, int]) -> float:
    """Share of the frames in which the dancer of a number is that dancer, of those in which most of them is in the picture.

    They are if they are seen and lie nearer to the dancer than to every other one, or within half a trunk of them.

    Args:
        found: (P, T, 17, 2), NaN where nobody is seen.
        truth: (Q, T, 17, 2).
    """
    count, frames = truth.shape[:2]
    same = np.full_like(truth, np.nan)
    same[: min(count, len(found))] = found[:count]
    apart = np.linalg.norm(same[:, None] - truth[None], axis=-1).mean(axis=-1)  # (found, truth, T)
    own = apart[np.arange(count), np.arange(count)]  # (Q, T)
    corners = truth[:, :, _TRUNK]
    trunk = np.linalg.norm(corners[:, :, :2].mean(axis=2) - corners[:, :, 2:].mean(axis=2), axis=-1)
    kept = np.isfinite(own) & ((own <= apart.min(axis=1)) | (own < trunk / 2))
    inside = ((truth >= 0) & (truth < size)).all(axis=-1).mean(axis=-1) > 0.5
    assert inside.shape == (count, frames)
    return float(kept[inside].mean())
