"""Dances: key poses on the beats, joined into the motion of a skeleton.

Space is in units of the dancer's standing height: x to the viewer's right, y up from the floor, z towards the viewer.
The dancer faces the viewer, so their left is at +x.
"""

from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Track = NDArray[np.float64]
"""(T, 3) a point over the frames."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Body:
    """Lengths in units of the standing height."""

    head: float = 0.42
    neck: float = 0.04
    torso: float = 0.22
    leg: float = 0.28
    arm: float = 0.265
    ankle: float = 0.035
    shoulders: float = 0.105  # half the distance between them
    hips: float = 0.062  # half the distance between them


@dataclass(frozen=True)
class Key:
    """A key pose; angles in degrees.

    Hands are given as out, up, front from the shoulder in arm lengths, feet as out, up, front in leg lengths.
    """

    place: float = 0.0  # where the dancer stands, to their left, in leg lengths
    shift: float = 0.0  # of the hips to their left, in leg lengths
    drop: float = 0.0  # of the hips, in leg lengths
    turn: float = 0.0  # of the chest to their left
    lean: float = 0.0  # of the chest to their left
    head_turn: float = 0.0
    head_tilt: float = 0.0
    head_nod: float = 0.0
    left_hand: Triple = (0.3, -0.75, 0.25)
    right_hand: Triple = (0.3, -0.75, 0.25)
    left_foot: Triple = (0.3, 0.0, 0.0)
    right_foot: Triple = (0.3, 0.0, 0.0)

    def mirrored(self) -> "Key":
        """The same pose with left and right exchanged."""
        return Key(
            *(-self.place, -self.shift, self.drop, -self.turn, -self.lean, -self.head_turn, -self.head_tilt, self.head_nod),
            *(self.right_hand, self.left_hand, self.right_foot, self.left_foot),
        )


Move = tuple[Key, ...]
"""One key pose every other beat."""

BEATS_PER_KEY = 2
"""Half-time: at 16 frames a second a head then moves by few pixels a frame, which a small VAE can follow."""


@dataclass(frozen=True)
class Skeleton:
    """Joints (T, 3) over the frames by COCO's names of the body, and the angles (T,) of the head in degrees."""

    joints: dict[str, Track]
    head_turn: NDArray[np.float64]
    head_tilt: NDArray[np.float64]
    head_nod: NDArray[np.float64]


_STAND = Key(drop=0.03)
_STEP = Key(place=0.35, drop=0.08, left_foot=(0.45, 0.0, 0.0), lean=4, head_tilt=6)
_UP, _OUT, _FRONT = (0.35, 0.85, 0.2), (0.95, 0.0, 0.1), (0.15, -0.25, 0.8)
_BENT_UP, _HIP, _CHEST = (0.7, 0.5, 0.3), (0.35, -0.55, 0.2), (-0.1, -0.35, 0.5)


def _there_and_back(*keys: Key) -> Move:
    return keys + tuple(key.mirrored() for key in keys)


_STEP_TOUCH = _there_and_back(
    replace(_STEP, left_hand=(0.75, -0.3, 0.3), right_hand=_CHEST),
    replace(_STAND, place=0.35, right_foot=(0.12, 0.04, 0.05), left_hand=_HIP, right_hand=_HIP, head_turn=12),
)
SIDE_KICK = _there_and_back(
    replace(_STAND, drop=0.08, left_hand=_HIP, right_hand=_BENT_UP, shift=-0.1),
    replace(_STAND, shift=-0.15, left_foot=(0.75, 0.35, 0.2), left_hand=_OUT, right_hand=_UP, lean=-8, head_turn=12),
)
_KNEE_LIFT = _there_and_back(
    replace(_STAND, drop=0.02, left_foot=(0.25, 0.42, 0.35), left_hand=_HIP, right_hand=_BENT_UP, turn=12, shift=-0.08),
    replace(_STAND, drop=0.12, left_hand=(0.6, -0.5, 0.35), right_hand=(0.6, -0.5, 0.35), head_nod=8),
)
_SQUAT = (
    replace(_STAND, drop=0.28, left_foot=(0.6, 0, 0), right_foot=(0.6, 0, 0), left_hand=_FRONT, right_hand=_FRONT, head_nod=6),
    replace(_STAND, drop=0.02, left_foot=(0.6, 0, 0), right_foot=(0.6, 0, 0), left_hand=_UP, right_hand=_UP, head_nod=-6),
    replace(_STAND, drop=0.28, left_foot=(0.6, 0, 0), right_foot=(0.6, 0, 0), left_hand=_OUT, right_hand=_OUT, head_turn=14),
    replace(_STAND, drop=0.05, left_foot=(0.6, 0, 0), right_foot=(0.6, 0, 0), left_hand=_BENT_UP, right_hand=_HIP, head_turn=-14),
)
ARM_WAVE = _there_and_back(
    replace(_STAND, left_hand=_OUT, right_hand=(0.9, -0.35, 0.1), lean=6, shift=0.12, head_turn=14),
    replace(_STAND, left_hand=(0.75, 0.55, 0.1), right_hand=_OUT, lean=-4, shift=-0.05, head_tilt=8),
)
_POINT = _there_and_back(
    replace(_STAND, drop=0.1, left_hand=(0.7, 0.7, 0.1), right_hand=_HIP, turn=14, head_turn=10, left_foot=(0.5, 0, 0.1)),
    replace(_STAND, drop=0.03, left_hand=_CHEST, right_hand=_HIP, turn=-10, head_nod=6),
)
_CROSS = _there_and_back(
    replace(_STEP, place=0.2, left_foot=(0.5, 0.0, 0.25), left_hand=_OUT, right_hand=_OUT, turn=10),
    replace(_STAND, drop=0.1, place=0.1, left_foot=(-0.1, 0.0, 0.3), left_hand=_CHEST, right_hand=_CHEST, turn=-14, head_turn=-8),
)
ROBOT = (
    replace(_STAND, left_hand=(0.5, 0.0, 0.5), right_hand=(0.5, -0.8, 0.1), turn=14, head_turn=14),
    replace(_STAND, left_hand=(0.55, 0.45, 0.3), right_hand=(0.5, 0.0, 0.5), turn=0, head_tilt=9, drop=0.08),
    replace(_STAND, left_hand=(0.5, -0.8, 0.1), right_hand=(0.55, 0.45, 0.3), turn=-14, head_turn=-14),
    replace(_STAND, left_hand=_OUT, right_hand=_OUT, head_tilt=-9, drop=0.1),
)
_STOMP = _there_and_back(
    replace(_STAND, drop=0.05, left_foot=(0.4, 0.3, 0.25), left_hand=_BENT_UP, right_hand=_BENT_UP, head_nod=-6),
    replace(
        _STAND, drop=0.22, left_foot=(0.55, 0, 0.1), right_foot=(0.45, 0, 0), left_hand=(0.7, -0.55, 0.3), head_nod=9, turn=14
    ),
)

VOCABULARY: dict[str, tuple[Move, ...]] = {
    "gBR": (_CROSS, _KNEE_LIFT, _STEP_TOUCH, _SQUAT),
    "gPO": (ROBOT, ARM_WAVE, _POINT, _STEP_TOUCH),
    "gLH": (_STEP_TOUCH, _KNEE_LIFT, _POINT, ARM_WAVE),
    "gHO": (_KNEE_LIFT, _CROSS, _STEP_TOUCH, SIDE_KICK),
    "gJS": (SIDE_KICK, ARM_WAVE, _POINT, _CROSS),
    "gKR": (_STOMP, _SQUAT, ROBOT, _POINT),
}


def choreograph(genre: str, bars: int, rng: np.random.Generator) -> list[Key]:
    """Key poses, enough for so many bars of four beats: the genre's moves in a drawn order, every one then mirrored."""
    return arrange(VOCABULARY.get(genre, tuple(dict.fromkeys(m for moves in VOCABULARY.values() for m in moves))), bars, rng)


def arrange(moves: tuple[Move, ...], bars: int, rng: np.random.Generator) -> list[Key]:
    """Key poses, enough for so many bars of four beats: the moves in a drawn order, every one then mirrored."""
    keys: list[Key] = []
    wanted = 4 * bars // BEATS_PER_KEY + 1
    while len(keys) < wanted:
        for i in rng.permutation(len(moves)):
            keys += [*moves[i], *(key.mirrored() for key in moves[i])]
    return keys[:wanted]


def perform(keys: list[Key], beats: NDArray[np.float64], body: Body) -> Skeleton:
    """The skeleton at the times `beats` (T,), counted in beats from the first key; T frames.

    Each key is reached on every other beat and held for a moment; between beats the dancer bounces.
    """
    table = np.array([np.hstack(astuple(key)) for key in keys])
    values = PchipInterpolator(BEATS_PER_KEY * np.arange(len(keys)), table, axis=0)(beats)
    bounce = 0.5 + 0.5 * np.cos(2 * np.pi * beats)  # 1 on the beat
    place, shift, drop, turn, lean, head_turn, head_tilt, head_nod = values[:, :8].T
    hands = {"left": values[:, 8:11], "right": values[:, 11:14]}
    feet = {"left": values[:, 14:17], "right": values[:, 17:20]}
    sides = {"left": 1.0, "right": -1.0}

    ankles = {}
    for side, sign in sides.items():
        out, up, front = feet[side].T
        ankles[side] = np.stack([body.leg * (place + sign * out), body.ankle + body.leg * up, body.leg * front], 1)
    x = body.leg * (place + shift)
    # The hips are as high as both legs allow.
    heights = []
    for side, sign in sides.items():
        away = np.hypot(ankles[side][:, 0] - x - sign * body.hips, ankles[side][:, 2]).clip(None, 0.9 * body.leg)
        heights.append(ankles[side][:, 1] + np.sqrt((0.995 * body.leg) ** 2 - away**2))
    hips = np.stack([x, np.minimum(*heights) - body.leg * (drop + 0.03 * bounce), np.zeros_like(x)], 1)

    across = _direction(turn / 2)
    chest_across = _direction(turn)
    up_chest = np.stack([np.sin(np.radians(lean)), np.cos(np.radians(lean)), 0.05 + 0 * lean], 1)
    neck = hips + body.torso * up_chest
    joints: dict[str, Track] = {"neck": neck}
    for side, sign in sides.items():
        hip = hips + sign * body.hips * across
        knee, ankle = _bend(hip, ankles[side], body.leg, np.stack([sign * 0.35 + 0 * x, 0 * x, 1 + 0 * x], 1))
        shoulder = neck + sign * body.shoulders * chest_across
        ahead = np.cross(chest_across, [0.0, 1.0, 0.0])
        out, up, front = hands[side].T[:, :, None]
        target = shoulder + body.arm * (out * sign * chest_across + up * np.array([0, 1.0, 0]) + front * ahead)
        elbow, wrist = _bend(shoulder, target, body.arm, sign * 0.7 * chest_across - 0.4 * ahead - np.array([0, 0.8, 0]))
        joints |= {f"{side}_hip": hip, f"{side}_knee": knee, f"{side}_ankle": ankle}
        joints |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": wrist}
    return Skeleton(joints, head_turn + turn / 2, head_tilt + lean / 2, head_nod + 3 * bounce)


def _direction(turn: NDArray[np.float64]) -> Track:
    """The dancer's left (T, 3) after a turn to their left in degrees."""
    return np.stack([np.cos(np.radians(turn)), 0 * turn, -np.sin(np.radians(turn))], 1)


def _bend(root: Track, target: Track, length: float, towards: Track) -> tuple[Track, Track]:
    """Middle and end of a limb of two equal bones, `length` in all, that reaches for `target` and bends `towards`."""
    line = target - root
    distance = np.linalg.norm(line, axis=1, keepdims=True)
    line = line / distance
    distance = np.clip(distance, 0.3 * length, 0.995 * length)
    sideways = towards - (towards * line).sum(1, keepdims=True) * line
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
    middle = root + line * distance / 2 + sideways * np.sqrt(length**2 - distance**2) / 2
    return middle, root + line * distance
