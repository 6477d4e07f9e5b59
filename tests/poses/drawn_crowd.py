"""A dancer on a stage behind heads and raised arms of an audience, with a smaller second dancer, and where the joints are."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.sample.dancer import Camera, Dancer, dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import ARM_WAVE, VOCABULARY, Skeleton, arrange, perform
from facedance.sample.portrait import Image, Points
from facedance.sample.traits import Colour, generator

_HAIR: tuple[Colour, ...] = ((30, 24, 20), (72, 46, 30), (120, 66, 34), (190, 160, 110), (150, 150, 155))
_SKIN: tuple[Colour, ...] = ((226, 186, 160), (198, 150, 120), (150, 106, 80), (104, 72, 54))
_CLOTHES: tuple[Colour, ...] = ((60, 62, 70), (120, 40, 48), (40, 70, 120), (160, 150, 140), (50, 90, 60))

_DANCERS = ("d02", "d04", "d11", "d17", "d20", "d29")
_MOVES = (ARM_WAVE, *VOCABULARY["gBR"][:3])
"""Without an audience a landmarker finds these dancers right in these moves, so that what is measured is the audience. Where both
arms are raised it does not: drawn shoulders do not rise with the arms as people's do."""


@dataclass(frozen=True)
class Crowd:
    """What is drawn: sizes of the picture, and how much of the dancer the audience hides."""

    width: int = 854
    height: int = 480
    frames: int = 81
    fps: float = 16.0
    hidden: float | None = None  # how far above the dancer's feet heads reach, in standing heights; None: as the seed has it


@dataclass(frozen=True)
class _Guest:
    """Somebody of the audience, seen from behind; lengths in pixels."""

    x: float
    top: float
    radius: float
    hair: Colour
    skin: Colour
    clothes: Colour
    arms: tuple[float, ...]  # for each raised arm how far it leans aside, in arm lengths
    beat: float  # how far into a beat the guest moves


def crowd(seed: int, size: Crowd) -> Iterator[tuple[Image, Points]]:
    """Pictures (H, W, 3) and the dancer's 17 COCO joints (17, 2) in their pixels, hidden or not."""
    rng = generator("crowd", seed)
    stage = round(rng.uniform(0.62, 0.86) * size.height)  # its front edge is the bottom of the dancer's room
    zoom = rng.uniform(0.72, 1.0)
    first = Camera(size.width, stage, zoom, rng.uniform(-0.16, 0.16))
    aside = first.aside + rng.choice([-1, 1]) * rng.uniform(0.17, 0.3)
    second = Camera(size.width, round(0.93 * stage), zoom * rng.uniform(0.35, 0.5), aside)
    beats = np.arange(size.frames) / size.fps * rng.uniform(90, 130) / 60
    people = [_performer(str(name), seed, beats) for name in rng.choice(_DANCERS, 2, replace=False)]
    room = np.zeros((size.height, size.width, 3), np.uint8)
    room[:stage] = empty_room(people[0][0], first)
    room[stage:] = np.array(people[0][0].floor, np.float32) * 0.35
    reach = (rng.uniform(-0.15, 0.35) if size.hidden is None else size.hidden) * first.scale
    guests = _audience(rng, size, 0.955 * stage - reach)
    heads = [Head(who.face, who.body.head * camera.scale) for (who, _), camera in zip(people, (first, second), strict=True)]
    for frame in range(size.frames):
        picture = room.copy()
        above = picture[:stage]
        above[:], _ = draw(people[1][0], heads[1], people[1][1], frame, second, above)
        above[:], joints = draw(people[0][0], heads[0], people[0][1], frame, first, above)
        for guest in guests:
            _paint(picture, guest, float(beats[frame]))
        yield picture, joints


def _performer(name: str, seed: int, beats: NDArray[np.float64]) -> tuple[Dancer, Skeleton]:
    who = dancer(name, seed)
    return who, perform(arrange(_MOVES, int(beats[-1]) // 4 + 2, generator(f"crowd {name}", seed)), beats, who.body)


def _audience(rng: np.random.Generator, size: Crowd, top: float) -> list[_Guest]:
    """Two rows of guests, the farther one first, whose heads reach up to about `top`."""
    guests = []
    for row in range(2):
        radius = (0.045 + 0.025 * row) * size.height
        x = rng.uniform(-1, 1) * radius
        while x < size.width + radius:
            raised = rng.random()
            guests.append(
                _Guest(
                    x=x,
                    top=top + rng.uniform(0, 1.2) * radius + 2.2 * radius * row,
                    radius=radius * rng.uniform(0.9, 1.1),
                    hair=_HAIR[rng.integers(len(_HAIR))],
                    skin=_SKIN[rng.integers(len(_SKIN))],
                    clothes=_CLOTHES[rng.integers(len(_CLOTHES))],
                    arms=tuple(rng.uniform(-0.4, 0.4, 2 if raised < 0.12 else int(raised < 0.3))),
                    beat=rng.uniform(0, 1),
                )
            )
            x += rng.uniform(2.2, 4.0) * radius
    return guests


def _paint(picture: Image, guest: _Guest, beat: float) -> None:
    r = guest.radius
    bounce = 0.15 * r * np.cos(2 * np.pi * (beat + guest.beat))
    middle = np.array([guest.x, guest.top + r + bounce])
    shoulders = middle + np.array([0, 2.3 * r])
    below = max(picture.shape[0] + r, shoulders[1] + r)
    _limb(picture, shoulders, np.array([guest.x, below]), 3.2 * r, guest.clothes)
    _limb(picture, middle, shoulders, r, guest.skin)
    for i, lean in enumerate(guest.arms):
        side = 1 if (i == 0) == (guest.beat < 0.5) else -1
        shoulder = shoulders + np.array([1.5 * side * r, 0.2 * r])
        sway = lean + 0.25 * np.sin(np.pi * (beat + guest.beat))
        elbow = shoulder + np.array([1.6 * r * (0.5 * side + sway), -2.2 * r])
        hand = elbow + np.array([1.4 * r * sway, -2.6 * r])
        _limb(picture, shoulder, elbow, 0.9 * r, guest.clothes)
        _limb(picture, elbow, hand, 0.7 * r, guest.skin)
        _limb(picture, hand, hand + np.array([0.1 * r * side, -0.5 * r]), 0.8 * r, guest.skin)
    _limb(picture, middle - np.array([0, 0.1 * r]), middle + np.array([0, 0.2 * r]), 2 * r, guest.hair)


def _limb(picture: Image, a: NDArray[np.floating], b: NDArray[np.floating], width: float, colour: Colour) -> None:
    (x0, y0), (x1, y1) = np.round(a).astype(int).tolist(), np.round(b).astype(int).tolist()
    cv2.line(picture, (x0, y0), (x1, y1), colour, max(round(width), 1), cv2.LINE_AA)
