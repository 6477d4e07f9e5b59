"""AIST++'s 2-D keypoints in the pixels and at the times of a clip.

A file holds `keypoints2d` (9 cameras, N frames, 17 COCO joints, 3) of x, y and confidence in pixels of 1920 x 1080 video at
exactly 60 frames a second (Li et al., "AI Choreographer", ICCV 2021; google.github.io/aistplusplus_dataset).
"""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facedance.job import InputError
from facedance.poses.pickled import read_pickled
from facedance.poses.skeleton import COCO

_FPS = 60
_WIDTH, _HEIGHT = 1920, 1080


def clip_keypoints(
    path: Path,
    camera: str,
    *,
    start_s: float,
    fps: float,
    frames: int,
    crop: ArrayLike,
    source_size: tuple[int, int],
    clip_size: tuple[int, int],
) -> NDArray[np.float32]:
    """Keypoints of a clip.

    Args:
        camera: c01 to c09; of others the files know nothing.
        start_s: where in its video the clip begins, in seconds.
        crop: x, y, width, height of the part of the video that the clip shows, in pixels of the video: (4,), or (frames, 4).
        source_size: width and height of the video. It may be smaller than AIST's own, as long as it shows the same picture.
        clip_size: width and height of the clip.

    Returns:
        (frames, 17, 3) of x, y in pixels of the clip and confidence; NaN where the file knows nothing.

    Raises:
        InputError: the file is not one of AIST++'s.
    """
    try:
        content = read_pickled(path)
    except ValueError as error:
        raise InputError(f"{path} is not a keypoints2d file of AIST++: {error}; replace or remove it") from None
    table = content.get("keypoints2d") if isinstance(content, dict) else None
    if not isinstance(table, np.ndarray) or table.ndim != 4 or table.shape[2:] != (len(COCO), 3):
        raise InputError(f"{path} is not a keypoints2d file of AIST++ (no array of shape cameras x frames x 17 x 3): replace it")
    view = int(camera[1:]) - 1 if camera[1:].isdecimal() else -1
    at = np.round((start_s + np.arange(frames) / fps) * _FPS).astype(int)
    inside = at < table.shape[1]
    joints = np.full((frames, len(COCO), 3), np.nan, np.float32)
    if 0 <= view < len(table):
        joints[inside] = table[view, at[inside]]
    joints[~(np.isfinite(joints).all(axis=-1) & (joints[..., 2] > 0))] = np.nan

    crops = np.broadcast_to(np.asarray(crop, np.float32), (frames, 4))[:, None]
    to_source = np.array([source_size[0] / _WIDTH, source_size[1] / _HEIGHT], np.float32)
    joints[..., :2] = (joints[..., :2] * to_source - crops[..., :2]) * (np.array(clip_size, np.float32) / crops[..., 2:])
    return joints
