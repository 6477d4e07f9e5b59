"""One scene of the world: pictures, the control pictures that go with them, and where the head is."""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.draw import draw_pose
from facedance.poses.skeleton import COCO, to_openpose
from facedance.sample import portrait
from facedance.sample.dancer import Camera, Dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import Move, Skeleton, arrange, perform
from facedance.sample.person import Person
from facedance.sample.photos import Shot, photograph, to_photo
from facedance.sample.portrait import Image, Points
from facedance.video.pictures import Frames

FPS = 16
OVERSAMPLING = 2  # pictures are drawn larger, as clips are, and made smaller by area
_BIAS, _SHAKE = 1.0, 0.35  # of estimated joints, in pixels of 128: an estimator's own idea of a joint, and its noise
_SHOULDERS = ((306.3, 256.5), (112.2, 239.9))  # left and right in the portrait, as MediaPipe sees them


@dataclass(frozen=True)
class Scene:
    """T frames of somebody, as the model sees them: `side` x `side` pixels."""

    frames: Frames  # (T, side, side, 3)
    large: Frames  # (T, 2 side, 2 side, 3) the same, as clips are kept
    control: Frames  # (T, side, side, 3)
    heads: NDArray[np.float32]  # (T, 4) x0, y0, x1, y1 in pixels, from the chin to the hair
    joints: NDArray[np.float32]  # (T, 17, 2) as drawn, in pixels of `large`; NaN is not in the picture

    def part(self, frames: slice) -> "Scene":
        """Some of the frames."""
        return Scene(**{field.name: getattr(self, field.name)[frames] for field in fields(self)})


def dance(
    who: Dancer,
    moves: tuple[Move, ...],
    frames: int,
    side: int,
    rng: np.random.Generator,
    *,
    after: int | None = None,
    zoom: float = 1.0,
) -> Scene:
    """Somebody dancing some of the moves, near or far, before a camera at a drawn distance, `zoom` times as near.

    With `after` the scene has one frame more in front, so many frames earlier in the dance than the next one.
    """
    large = OVERSAMPLING * side
    camera = Camera(large, large, zoom=zoom * rng.uniform(0.9, 1.1), aside=float(rng.normal(0, 0.06)))
    head, room = Head(who.face, who.body.head * camera.scale), empty_room(who, camera)
    times = np.arange(frames) if after is None else np.hstack([0, after + np.arange(frames)])
    skeleton = performed(who, moves, times, rng)
    pictures, joints = zip(*(draw(who, head, skeleton, i, camera, room) for i in range(len(times))), strict=True)
    tracks = np.stack(joints)  # (T, 17, 2)
    return Scene(
        np.stack([small(picture, side) for picture in pictures]),
        np.stack(pictures),
        drawn(uncertain(tracks, side, rng), side),
        head_boxes(who, skeleton, camera),
        tracks,
    )


def performed(who: Dancer, moves: tuple[Move, ...], times: NDArray[np.integer], rng: np.random.Generator) -> Skeleton:
    """Some of the moves at times (T,) in frames, at a drawn tempo from a drawn beat on."""
    start, tempo = rng.uniform(0, 12), rng.uniform(80, 130)
    beats = start + times / FPS * tempo / 60
    return perform(arrange(moves, int(beats[-1]) // 4 + 2, rng), beats, who.body)


def head_boxes(who: Dancer, skeleton: Skeleton, camera: Camera) -> NDArray[np.float32]:
    """Where the head is, as in `Scene.heads`, of who is seen by this camera in the larger pictures."""
    tall = who.body.head * camera.scale
    tilts = np.radians(skeleton.head_tilt)
    chins = np.stack([camera.project(at + np.array([0, who.body.neck, 0])) for at in skeleton.joints["neck"]])
    middles = chins + tall / 2 * np.stack([np.sin(tilts), -np.cos(tilts)], 1)
    half = np.array([0.4, 0.52]) * tall
    return (np.hstack([middles - half, middles + half]) / OVERSAMPLING).astype(np.float32)


def photo(who: Person, side: int, rng: np.random.Generator) -> Scene:
    """A photo of head and shoulders as a scene of one frame."""
    shot = Shot(
        centre=(226 + rng.uniform(-12, 12), 150 + rng.uniform(-15, 20)),
        width=rng.uniform(240, 330),
        size=(OVERSAMPLING * side, OVERSAMPLING * side),
        tilt=rng.uniform(-7, 7),
        gain=rng.uniform(0.9, 1.08),
        warmth=rng.uniform(-0.03, 0.05),
    )
    picture = photograph(who, shot, rng)
    eyes = [who.features[eye].mean(0) for eye in reversed(portrait.EYES)]  # the person's own left first
    jaw = who.features[portrait.JAW]
    known = np.array([who.features[portrait.NOSE_TIP], *eyes, jaw[15], jaw[1], *_SHOULDERS])
    joints = np.full((1, len(COCO), 2), np.nan)
    joints[0, : len(known)] = to_photo(shot, known)
    low, high = to_photo(shot, np.stack([who.middle - who.radius, who.middle + who.radius]))
    return Scene(
        small(picture, side)[None],
        picture[None],
        drawn(uncertain(joints, side, rng), side),
        (np.hstack([low, high])[None] / OVERSAMPLING).astype(np.float32),
        joints.astype(np.float32),
    )


def uncertain(joints: NDArray[np.floating], side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """OpenPose's joints (T, 18, 3) of joints (T, 17, 2) in larger pixels, as uncertain as an estimator's; NaN is no joint."""
    unit = side / 128 * OVERSAMPLING
    seen = joints + unit * (rng.normal(0, _BIAS, (1, *joints.shape[1:])) + rng.normal(0, _SHAKE, joints.shape))
    confidence = np.isfinite(seen[..., :1]).astype(np.float32)
    poses: NDArray[np.float32] = to_openpose(np.concatenate([seen, confidence], -1).astype(np.float32), COCO)
    return poses


def drawn(poses: NDArray[np.float32], side: int) -> Frames:
    """Control pictures (T, side, side, 3) of OpenPose's joints (T, 18, 3), which are in pixels of the larger pictures."""
    large = OVERSAMPLING * side
    return np.stack([small(draw_pose(pose, large, large, large), side) for pose in poses])


def small(picture: Image, side: int) -> Image:
    """A picture (H, W, 3) as (side, side, 3), by area."""
    smaller: Image = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return smaller


def views(who: Person, count: int, rng: np.random.Generator) -> list[tuple[Image, Points]]:
    """Photos of a face, and its 68 features (68, 2) in each."""
    pictures = []
    for _ in range(count):
        shot = Shot(
            centre=(226 + rng.uniform(-10, 10), 125 + rng.uniform(-10, 10)),
            width=rng.uniform(180, 320),
            size=(384, 384),
            tilt=rng.uniform(-6, 6),
            gain=rng.uniform(0.88, 1.08),
            warmth=rng.uniform(-0.04, 0.06),
        )
        pictures.append((photograph(who, shot, rng), to_photo(shot, who.features)))
    return pictures
