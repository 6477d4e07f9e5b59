"""One scene of the world: pictures, the control pictures that go with them, and where the head is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.poses.draw import draw_pose
from facedance.poses.skeleton import COCO, to_openpose
from facedance.sample import portrait
from facedance.sample.dancer import Camera, Dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import Move, arrange, perform
from facedance.sample.person import Person
from facedance.sample.photos import Shot, photograph, to_photo
from facedance.sample.portrait import Image, Points
from facedance.video.pictures import Frames

FPS = 16
_OVERSAMPLING = 2  # pictures are drawn larger, as clips are, and made smaller by area
_BIAS, _SHAKE = 1.0, 0.35  # of estimated joints, in pixels of 128: an estimator's own idea of a joint, and its noise
_SHOULDERS = ((306.3, 256.5), (112.2, 239.9))  # left and right in the portrait, as MediaPipe sees them


@dataclass(frozen=True)
class Scene:
    """T frames of somebody, as the model sees them: `side` x `side` pixels."""

    frames: Frames  # (T, side, side, 3)
    large: Frames  # (T, 2 side, 2 side, 3) the same, as clips are kept
    control: Frames  # (T, side, side, 3)
    heads: NDArray[np.float32]  # (T, 4) x0, y0, x1, y1 in pixels, from the chin to the hair


def dance(who: Dancer, moves: tuple[Move, ...], frames: int, side: int, rng: np.random.Generator) -> Scene:
    """Somebody dancing some of the moves, near or far, before a camera at a drawn distance."""
    camera = Camera(*(_OVERSAMPLING * side, _OVERSAMPLING * side), zoom=rng.uniform(0.9, 1.1), aside=float(rng.normal(0, 0.06)))
    head, room = Head(who.face, who.body.head * camera.scale), empty_room(who, camera)
    start, tempo = rng.uniform(0, 12), rng.uniform(80, 130)
    beats = start + np.arange(frames) / FPS * tempo / 60
    skeleton = perform(arrange(moves, int(beats[-1]) // 4 + 2, rng), beats, who.body)
    pictures, joints = zip(*(draw(who, head, skeleton, i, camera, room) for i in range(frames)), strict=True)
    tracks = np.stack(joints)  # (T, 17, 2)
    tall = who.body.head * camera.scale
    tilts = np.radians(skeleton.head_tilt)
    chins = np.stack([camera.project(at + np.array([0, who.body.neck, 0])) for at in skeleton.joints["neck"]])
    middles = chins + tall / 2 * np.stack([np.sin(tilts), -np.cos(tilts)], 1)
    half = np.array([0.4, 0.52]) * tall
    return Scene(
        np.stack([_small(picture, side) for picture in pictures]),
        np.stack(pictures),
        _control(tracks, side, rng),
        (np.hstack([middles - half, middles + half]) / _OVERSAMPLING).astype(np.float32),
    )


def photo(who: Person, side: int, rng: np.random.Generator) -> Scene:
    """A photo of head and shoulders as a scene of one frame."""
    shot = Shot(
        centre=(226 + rng.uniform(-12, 12), 150 + rng.uniform(-15, 20)),
        width=rng.uniform(240, 330),
        size=(_OVERSAMPLING * side, _OVERSAMPLING * side),
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
        _small(picture, side)[None],
        picture[None],
        _control(joints, side, rng),
        (np.hstack([low, high])[None] / _OVERSAMPLING).astype(np.float32),
    )


def _control(joints: NDArray[np.floating], side: int, rng: np.random.Generator) -> Frames:
    """Poses drawn from joints (T, 17, 2) in oversampled pixels, as uncertain as an estimator's; NaN is not drawn."""
    unit = side / 128 * _OVERSAMPLING
    seen = joints + unit * (rng.normal(0, _BIAS, (1, *joints.shape[1:])) + rng.normal(0, _SHAKE, joints.shape))
    confidence = np.isfinite(seen[..., :1]).astype(np.float32)
    return drawn(to_openpose(np.concatenate([seen, confidence], -1).astype(np.float32), COCO), side)


def drawn(poses: NDArray[np.float32], side: int) -> Frames:
    """Control pictures (T, side, side, 3) of OpenPose's joints (T, 18, 3), which are in pixels of the larger pictures."""
    large = _OVERSAMPLING * side
    return np.stack([_small(draw_pose(pose, large, large, large), side) for pose in poses])


def _small(picture: Image, side: int) -> Image:
    small: Image = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return small


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
