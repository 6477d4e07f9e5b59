"""Control pictures of a scene with the pose that the landmarker sees in it, as the pipeline draws it of any video.

Its errors are not those of the noise that a scene's own control has: on drawn people it sees the nose higher, the eyes lower and
the ears nearer to each other than they are, and a model that has not learned so puts the face in a wrong place.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.skeleton import MEDIAPIPE, to_openpose
from facedance.poses.track import follow
from facedance.video.pictures import Frames
from lab.world.scene import FPS, OVERSAMPLING, Scene, drawn


def estimated_control(scene: Scene, finder: Landmarker, model: Path) -> Frames:
    """Control pictures (T, side, side, 3); in frames in which nobody is found they are the scene's own.

    Args:
        finder: a landmarker in image mode.
        model: of the landmarker that follows a dancer through more than one frame.
    """
    poses = estimated_poses(scene, finder, model)
    control: Frames = np.where(_found(poses)[:, None, None, None], drawn(poses, scene.control.shape[1]), scene.control)
    return control


def estimated_poses(scene: Scene, finder: Landmarker, model: Path) -> NDArray[np.float32]:
    """OpenPose's joints (T, 18, 3) as the landmarker sees them, in pixels of the larger pictures; NaN where nobody is found."""
    poses: NDArray[np.float32] = to_openpose(_seen(scene.large, finder, model)[..., [0, 1, 3]], MEDIAPIPE)
    return poses


def filled(poses: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints (T, 18, 3) with others in the frames in which nobody is found."""
    whole: NDArray[np.float32] = np.where(_found(poses)[:, None, None], poses, others)
    return whole


def _found(poses: NDArray[np.float32]) -> NDArray[np.bool_]:
    """In which frames (T,) somebody is found."""
    found: NDArray[np.bool_] = np.isfinite(poses[:, :, 0]).sum(axis=1) > 0
    return found


def poses_together(scenes: Sequence[Scene], finder: Landmarker) -> list[NDArray[np.float32]]:
    """As `estimated_poses`, of each dancer of the same pictures: who is found with the nose in the dancer's head.

    Args:
        finder: a landmarker in image mode for as many people.
    """
    found = [finder.detect(frame) for frame in scenes[0].large]
    return [to_openpose(landmarks_in_heads(scene, found)[..., [0, 1, 3]], MEDIAPIPE) for scene in scenes]


def landmarks_in_heads(scene: Scene, found: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) of whom of the found (P, 33, 4) of each frame has the nose nearest to the middle of the head."""
    tracks = np.full((len(found), len(MEDIAPIPE), 4), np.nan, np.float32)
    for t, (people, box) in enumerate(zip(found, OVERSAMPLING * scene.heads, strict=True)):
        away = np.abs(people[:, 0, :2] - (box[:2] + box[2:]) / 2).max(1, initial=0)
        if len(people) and away.min() < (box[3] - box[1]) / 2:
            tracks[t] = people[away.argmin()]
    return tracks


def _seen(frames: Frames, finder: Landmarker, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) in pixels of the frames, NaN where nobody is found."""
    if len(frames) > 1:
        with open_landmarker(model, "video") as tracker:
            return follow(frames, FPS, tracker, finder)
    people = finder.detect(frames[0])
    return people[:1] if len(people) else np.full((1, len(MEDIAPIPE), 4), np.nan, np.float32)
