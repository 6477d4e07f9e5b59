"""The dancer's joints in the frames of a clip, and whether they can be believed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Poses
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.looks import look_twice
from facedance.poses.plausible import implausible
from facedance.poses.track import follow, sight
from facedance.video.pictures import Frame

PEOPLE = 3
"""So many are told apart where the dancer has to be chosen."""

_LOOK_EVERY = 8
"""Frames: so often the detector is asked whether the dancer is where the tracker has them."""


def find_pose(
    frames: Sequence[Frame], fps: float, finder: Landmarker, model: Path, params: Poses
) -> tuple[NDArray[np.float32], str]:
    """Landmarks (T, 33, 4) of the dancer in T frames (H, W, 3), NaN where they are not found, and why to doubt them, or "".

    Args:
        frames: looked at one by one, several times over.
        finder: a landmarker in image mode for `PEOPLE`.
        model: MediaPipe's landmarker, opened anew for each look.
    """

    def look(pictures: Iterable[Frame], start: NDArray[np.float32] | None) -> NDArray[np.float32]:
        with open_landmarker(
            model,
            "video",
            detection_confidence=params.detection_confidence,
            tracking_confidence=params.tracking_confidence,
        ) as tracker:
            return follow(pictures, fps, tracker, finder, start)

    height, width = frames[0].shape[:2]
    sightings = sight(frames, finder, _LOOK_EVERY)
    # The detector sees a picture in 224 x 224: in the part where the dancer is, they are larger, and fewer others are there.
    x0, y0, x1, y1 = sightings.window(width, height)
    shift = np.array([x0, y0, 0, 0], np.float32)
    start = None if sightings.first is None else sightings.first - shift
    looks = look_twice(lambda: (frame[y0:y1, x0:x1] for frame in frames), x1 - x0, start, look)
    looks = replace(looks, joints=looks.joints + shift)
    return looks.joints, implausible(looks, sightings, (width, height), params)
