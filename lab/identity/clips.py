"""Dances that nothing was trained on, danced by somebody else, and how a render of a person in them should look."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from facedance.config.sections import Poses, WanModel
from facedance.files import atomic
from facedance.job import InputError
from facedance.poses.draw import control_frames
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE, MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.poses.track import follow
from facedance.sample.dancer import Dancer, dressed
from facedance.sample.person import Person, person
from facedance.sample.traits import generator
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from lab.identity.cast import WORLD_SEED
from lab.world.scene import Scene, dance
from lab.world.split import HELDOUT_MOVES, training_identity
from lab.world.words import describe

_DRIVERS = 1000  # people of the training who may dance in the driving clips
_ATTEMPTS = 20
_PEOPLE = 3  # that the landmarker looks for where it has nobody to follow


@dataclass(frozen=True)
class Clip:
    """A driving clip of T frames; pictures are in the size of clips, or in the `model`'s own."""

    driver: Frames  # (T, H, W, 3) what drives: a dancer with another face
    joints: NDArray[np.float32]  # (T, 17, 3) their pose as it was estimated: x, y in pixels of the clip, visibility
    poses: Frames  # (T, H, W, 3) drawn
    control: Frames  # (T, h, w, 3) the same in the model's size
    known: Frames  # (T, h, w, 3) drawn from the true joints, with the world's made-up noise
    truth: Frames  # (T, h, w, 3) the person in the driver's place
    heads: NDArray[np.float32]  # (T, 4) x0, y0, x1, y1 of their head, in the model's size
    prompt: str


def make_clip(who: Person, name: str, seed: int, wan: WanModel, poses: Poses, pose_model: Path, *, zoom: float = 1.0) -> Clip:
    """The driving clip of somebody, another one for each seed; `zoom` makes people smaller or larger than the world's.

    Its pose is estimated from the pictures, as that of any video is. What the poses stage would reject is drawn anew.

    Raises:
        InputError: the landmarker follows none of the dancers.
    """
    small = wan.sizes[0]
    size = wan.clip_size(small)
    for place in (f"clip {name}/{seed}/{attempt}" for attempt in range(_ATTEMPTS)):
        driver = driver_of(place)
        pictures = danced(place, driver, wan.frames, size[0], zoom).frames
        people = tracked(pictures, wan.fps, poses, pose_model)
        if np.isfinite(people[:, 0, 0]).mean() >= poses.min_tracked:
            break
    else:
        raise InputError(f"MediaPipe follows none of {_ATTEMPTS} dancers; check the pose model {pose_model}")
    people, _ = fill_gaps(people, poses.max_gap_frames)
    drawn = np.stack(list(control_frames(people[None], MEDIAPIPE, poses, size, wan.drawing_side)))
    truth = danced(place, replace(driver, face=who), wan.frames, size[0], zoom)
    return Clip(
        driver=pictures,
        joints=people[:, COCO_IN_MEDIAPIPE][..., [0, 1, 3]],
        poses=drawn,
        control=resized(drawn, small),
        known=danced(place, driver, wan.frames, small[0], zoom).control,
        truth=resized(truth.frames, small),
        heads=(truth.heads / wan.clip_scale).astype(np.float32),
        prompt=describe(driver),
    )


def driver_of(place: str) -> Dancer:
    """Who dances at a place, by its name."""
    rng = generator(place, WORLD_SEED)
    _, traits = training_identity(int(rng.integers(_DRIVERS)), WORLD_SEED)
    return dressed(person(traits), rng)


def danced(place: str, dancer: Dancer, frames: int, side: int, zoom: float = 1.0) -> Scene:
    """The dance of a place: by anybody the same, before the same camera."""
    return dance(dancer, HELDOUT_MOVES, frames, side, generator(f"{place} dance", WORLD_SEED), zoom=zoom)


def tracked(frames: Frames, fps: int, poses: Poses, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of the dancer, as the poses stage finds them."""
    sure, following = poses.detection_confidence, poses.tracking_confidence
    with (
        open_landmarker(model, "image", people=_PEOPLE, detection_confidence=sure) as finder,
        open_landmarker(model, "video", detection_confidence=sure, tracking_confidence=following) as tracker,
    ):
        return follow(frames, fps, tracker, finder)


def save_clip(path: Path, clip: Clip) -> None:
    """Write a clip as safetensors."""
    tensors = {name: np.ascontiguousarray(value) for name, value in vars(clip).items() if name != "prompt"}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={"facedance": json.dumps({"prompt": clip.prompt})})


def load_clip(path: Path) -> Clip:
    """The clip that `save_clip` wrote."""
    with safe_open(path, framework="numpy") as file:
        return Clip(**load_file(path), **json.loads(file.metadata()["facedance"]))
