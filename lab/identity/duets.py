"""Two people who dance beside each other, in a wide picture in which each is as large as somebody alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Poses, Size, WanModel
from facedance.job import InputError
from facedance.poses.crowd import MOST
from facedance.poses.draw import control_frames
from facedance.poses.group import find_group
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.sample.dancer import Camera, Dancer, empty_room
from facedance.sample.group import Performer, draw_group
from facedance.sample.head import Head
from facedance.sample.traits import generator
from facedance.video.pictures import Frames
from lab.identity.cast import WORLD_SEED
from lab.identity.clips import driver_of
from lab.world.scene import OVERSAMPLING, head_boxes, performed
from lab.world.split import HELDOUT_MOVES
from lab.world.words import describe_pair

SIZE: Size = (240, 128)
"""Of the renders, near the 16:9 of most videos."""

_ZOOM, _APART, _DEPTH = (0.9, 1.0), (0.36, 0.46), (0.92, 1.0)
"""Of the nearer one, how far apart they stand in widths, and how large the farther one is against the nearer."""
_ATTEMPTS = 20


@dataclass(frozen=True)
class Duet:
    """A driving clip of T frames of two dancers, the one on the left first."""

    frames: Frames  # (T, H, W, 3) as they dance, in the size of clips
    truth: NDArray[np.float32]  # (2, T, 17, 2) their joints as they are drawn, in pixels of `frames`
    heads: NDArray[np.float32]  # (2, T, 4) x0, y0, x1, y1
    found: NDArray[np.float32]  # (2, T, 33, 4) MediaPipe's landmarks of each, as the poses stage follows them
    control: Frames  # (T, H, W, 3) both drawn
    prompt: str


def make_duet(name: str, seed: int, wan: WanModel, poses: Poses, pose_model: Path) -> Duet:
    """The duet of a name; what the poses stage would refuse is drawn anew.

    Raises:
        InputError: two dancers are found in none of the attempts.
    """
    size = SIZE[0] * OVERSAMPLING, SIZE[1] * OVERSAMPLING
    for place in (f"duet {name}/{seed}/{attempt}" for attempt in range(_ATTEMPTS)):
        pair = driver_of(f"{place} left"), driver_of(f"{place} right")
        frames, truth, heads = _danced(place, pair, wan.frames, size)
        with open_landmarker(pose_model, "image", people=MOST) as finder:
            found = find_group([*frames], size, finder, poses)
        if len(found.joints) == len(pair) and not found.doubt:
            break
    else:
        raise InputError(f"MediaPipe follows none of {_ATTEMPTS} pairs; check the pose model {pose_model}")
    joints = np.stack([fill_gaps(one, poses.max_gap_frames)[0] for one in found.joints])
    control = np.stack([*control_frames(joints, MEDIAPIPE, poses, size, wan.drawing_side)])
    return Duet(frames, truth, heads, joints, control, describe_pair(*pair))


def _danced(
    place: str, pair: tuple[Dancer, Dancer], frames: int, size: Size
) -> tuple[Frames, NDArray[np.float32], NDArray[np.float32]]:
    """Pictures, joints and heads of a pair, each dancing on their own in the room of the first."""
    rng = generator(f"{place} dance", WORLD_SEED)
    zoom, apart, depth, nearer = rng.uniform(*_ZOOM), rng.uniform(*_APART), rng.uniform(*_DEPTH), int(rng.integers(2))
    performers = []
    for i, who in enumerate(pair):
        far = depth if i != nearer else 1.0
        camera = Camera(size[0], round(size[1] * (0.86 + 0.14 * far)), zoom * far, (i - 0.5) * apart)
        skeleton = performed(who, HELDOUT_MOVES, np.arange(frames), rng)
        performers.append(Performer(who, Head(who.face, who.body.head * camera.scale), skeleton, [camera] * frames))
    room, order = empty_room(pair[0], Camera(*size)), (1 - nearer, nearer)
    pictures, truth = [], np.zeros((2, frames, 17, 2), np.float32)
    for t in range(frames):
        picture, truth[order, t] = draw_group([performers[i] for i in order], t, room)
        pictures.append(picture)
    heads = np.stack([head_boxes(one.who, one.skeleton, one.cameras[0]) for one in performers]) * OVERSAMPLING
    return np.stack(pictures), truth, heads
