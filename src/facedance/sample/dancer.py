"""A rendered dancer: a photographed head on a shaded body, seen from the front, and where the joints are in the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.skeleton import COCO
from facedance.sample.head import Head
from facedance.sample.motion import Body, Skeleton
from facedance.sample.person import Person, person
from facedance.sample.portrait import Image, Points
from facedance.sample.shading import Limb, paint_limb, paint_shadow
from facedance.sample.traits import Colour, generator, traits_of

TOPS: tuple[Colour, ...] = (
    *((188, 40, 48), (36, 84, 160), (235, 235, 228), (48, 128, 84), (228, 170, 40), (112, 62, 140), (224, 108, 48)),
    *((40, 150, 160), (205, 100, 140), (96, 120, 60)),
)
BOTTOMS: tuple[Colour, ...] = ((44, 52, 84), (40, 40, 44), (120, 104, 80), (86, 96, 108), (28, 60, 64))
WALLS: tuple[Colour, ...] = ((206, 204, 198), (176, 190, 200), (214, 198, 176), (170, 184, 166), (150, 150, 162))
_FLOORS: tuple[Colour, ...] = ((150, 122, 92), (112, 112, 116), (174, 152, 122), (92, 80, 74))
_SHOES: tuple[Colour, ...] = ((235, 235, 235), (40, 36, 40))

Joints = dict[str, NDArray[np.float64]]
"""(3,) each, in the space of `facedance.sample.motion`."""

_NECK = np.array([0.0, 0.06, 0.0])
_HEEL, _TOES = np.array([0.0, -0.012, -0.01]), np.array([0.0, -0.018, 0.085])


@dataclass(frozen=True)
class Dancer:
    """Who dances: a face, a body, clothes, and the room."""

    face: Person
    body: Body
    girth: float  # of the limbs and the torso, 1 on average
    top: Colour
    bottom: Colour
    shoes: Colour
    long_sleeves: bool
    shorts: bool
    wall: Colour
    floor: Colour


def dancer(name: str, seed: int) -> Dancer:
    """The dancer with this name; body, clothes and room are drawn from it."""
    return dressed(person(traits_of(name, seed)), generator(f"outfit {name}", seed))


def dressed(face: Person, rng: np.random.Generator) -> Dancer:
    """Somebody with this face, in a drawn body, clothes and room."""

    def one(colours: tuple[Colour, ...]) -> Colour:
        return colours[rng.integers(len(colours))]

    return Dancer(
        face=face,
        body=Body(shoulders=rng.uniform(0.098, 0.114), hips=rng.uniform(0.058, 0.066), arm=rng.uniform(0.25, 0.28)),
        girth=rng.uniform(0.9, 1.15),
        top=one(TOPS),
        bottom=one(BOTTOMS),
        shoes=one(_SHOES),
        long_sleeves=bool(rng.random() < 0.4),
        shorts=bool(rng.random() < 0.3),
        wall=one(WALLS),
        floor=one(_FLOORS),
    )


@dataclass(frozen=True)
class Camera:
    """A picture of `width` x `height` pixels in which the whole dancer has room, arms raised, at a `zoom` of 1."""

    width: int
    height: int
    zoom: float = 1.0
    aside: float = 0.0  # how far right of the middle the dancer stands, in widths

    @property
    def scale(self) -> float:
        """Pixels in the dancer's standing height."""
        return 0.875 * self.height * self.zoom

    def project(self, points: NDArray[np.floating]) -> Points:
        """Pixels (..., 2) of points (..., 3); the camera looks down a little, so what is nearer appears lower."""
        x = (0.5 + self.aside) * self.width + self.scale * points[..., 0]
        y = 0.955 * self.height - self.scale * (points[..., 1] - 0.12 * points[..., 2])
        return np.stack([x, y], -1).astype(np.float32)


def empty_room(who: Dancer, camera: Camera) -> Image:
    """The room (H, W, 3) without the dancer: a lit wall, a skirting board and a floor."""
    y, x = np.mgrid[: camera.height, : camera.width].astype(np.float32) / camera.height
    edge = 0.80
    glow = 1.04 - 0.22 * np.hypot(x - 0.5 * camera.width / camera.height, y - 0.35)
    wall = np.array(who.wall, np.float32) * glow[..., None]
    wall *= np.where(y > edge - 0.02, 0.62, 1)[..., None]
    floor = np.array(who.floor, np.float32) * (0.72 + 1.5 * (y - edge).clip(0))[..., None]
    picture = np.where((y < edge)[..., None], wall, floor)
    room: Image = cv2.GaussianBlur(picture, (0, 0), 0.8).clip(0, 255).astype(np.uint8)
    return room


def draw(who: Dancer, head: Head, skeleton: Skeleton, frame: int, camera: Camera, room: Image) -> tuple[Image, Points]:
    """The dancer in the room at one frame: picture (H, W, 3), and COCO's 17 joints (17, 2) in its pixels."""
    at = {name: track[frame] for name, track in skeleton.joints.items()}
    picture = room.copy()
    for side in ("left", "right"):
        ankle = at[f"{side}_ankle"]
        paint_shadow(picture, camera.project(ankle * [1, 0, 1]), camera.scale * (0.12 - 0.05 * ankle[1]) * np.array([1, 0.3]))

    chin = camera.project(at["neck"] + [0, who.body.neck, 0])
    pose = (chin, skeleton.head_turn[frame], skeleton.head_tilt[frame], skeleton.head_nod[frame])
    body: list[tuple[float, tuple[Limb, ...]]] = [(at["neck"][2], _torso(who, at))]
    for side in ("left", "right"):
        body.append((at[f"{side}_knee"][2] * 0.1 - 0.05, _leg(who, at, side)))
        body.append(((at[f"{side}_elbow"][2] + at[f"{side}_wrist"][2]) / 2, _arm(who, at, side)))
    head_depth = at["neck"][2] + 0.06
    for depth, limbs in sorted([*body, (head_depth, ())], key=lambda part: part[0]):  # what is farther away is painted first
        for limb in limbs:
            ends = camera.project(limb.start), camera.project(limb.end)
            paint_limb(picture, *ends, np.array(limb.radii) * who.girth * camera.scale, limb.colour)
        if depth == head_depth:
            head.paint(picture, *pose)
    points = np.vstack([head.features(*pose), camera.project(np.array([at[name] for name in COCO[5:]]))])
    return picture, points.astype(np.float32)


def _torso(who: Dancer, at: Joints) -> tuple[Limb, ...]:
    neck, left, right = at["neck"], at["left_shoulder"], at["right_shoulder"]
    down = (at["left_hip"] + at["right_hip"]) / 2 - neck
    wide = float(np.hypot(*(left - right)[:2])) / 2
    red, green, blue = who.face.skin
    return (
        Limb(neck, neck + _NECK, (0.036, 0.034), (0.8 * red, 0.8 * green, 0.8 * blue)),  # in the shadow of the chin
        Limb(left, right, (0.042, 0.045, 0.042), who.top),
        Limb(neck + 0.78 * down, neck + 1.03 * down, (0.076, 0.086, 0.084, 0.062), who.bottom),
        Limb(neck + 0.25 * down, neck + 0.72 * down, (0.95 * wide, 0.85 * wide, 0.72 * wide, 0.07), who.top),
    )


def _leg(who: Dancer, at: Joints, side: str) -> tuple[Limb, ...]:
    hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    outwards = np.array([0.03 if side == "left" else -0.03, 0, 0])
    return (
        Limb(knee, ankle, (0.034, 0.038, 0.024), who.face.skin if who.shorts else who.bottom),
        Limb(hip, knee, (0.055, 0.05, 0.038), who.bottom),
        Limb(ankle + _HEEL, ankle + _TOES + outwards, (0.026, 0.028, 0.022), who.shoes),
    )


def _arm(who: Dancer, at: Joints, side: str) -> tuple[Limb, ...]:
    shoulder, elbow, wrist = (at[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    forward = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    inward = (at["neck"] - wrist) / np.linalg.norm(at["neck"] - wrist)
    thumb = wrist + 0.015 * forward
    return (
        Limb(shoulder, elbow, (0.04, 0.034, 0.029), who.top),
        Limb(elbow, wrist, (0.028, 0.027, 0.02), who.top if who.long_sleeves else who.face.skin),
        Limb(wrist, wrist + 0.045 * forward, (0.019, 0.024, 0.018), who.face.skin),
        Limb(thumb, thumb + 0.03 * inward, (0.009, 0.008), who.face.skin),
    )
