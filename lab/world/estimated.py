"""Control pictures of a scene with the pose that the landmarker sees in it, as the pipeline draws it of any video.

Its errors are not those of the noise that a scene's own control has: on drawn people it sees the nose higher, the eyes lower and
the ears nearer to each other than they are, and a model that has not learned so puts the face in a wrong place.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.skeleton import MEDIAPIPE, to_openpose
from facedance.poses.track import follow
from facedance.video.pictures import Frames
from lab.world.scene import FPS, Scene, drawn


def estimated_control(scene: Scene, finder: Landmarker, model: Path) -> Frames:
    """Control pictures (T, side, side, 3); in frames in which nobody is found they are the scene's own.

    Args:
        finder: a landmarker in image mode.
        model: of the landmarker that follows a dancer through more than one frame.
    """
    people = _seen(scene.large, finder, model)
    found = np.isfinite(people[:, 0, 0])
    poses = to_openpose(people[..., [0, 1, 3]], MEDIAPIPE)
    control: Frames = np.where(found[:, None, None, None], drawn(poses, scene.control.shape[1]), scene.control)
    return control


def _seen(frames: Frames, finder: Landmarker, model: Path) -> NDArray[np.float32]:
    """Landmarks (T, 33, 4) in pixels of the frames, NaN where nobody is found."""
    if len(frames) > 1:
        with open_landmarker(model, "video") as tracker:
            return follow(frames, FPS, tracker, finder)
    people = finder.detect(frames[0])
    return people[:1] if len(people) else np.full((1, len(MEDIAPIPE), 4), np.nan, np.float32)
