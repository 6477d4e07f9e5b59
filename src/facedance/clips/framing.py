"""What a clip shows of its video: where the window is in each frame, and the clip's size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.clips.follow import EVERY_S, camera_path
from facedance.clips.in_view import FindPeople, find_dancers
from facedance.clips.search import Candidate
from facedance.clips.shape import best_shape
from facedance.clips.tables import Row
from facedance.config.sections import Clips, WanModel
from facedance.video.frames import stream_frames
from facedance.video.window_path import Window, moved, save_path


def framed(
    row: Row, one: Candidate, video: Path, clip: Path, params: Clips, wan: WanModel, find_people: FindPeople, *, group: bool
) -> Sequence[Window]:
    """What a clip shows in each frame. Its row is told, and a window that moves leaves its path beside the clip."""
    source_size, frames = (row["source_width"], row["source_height"]), len(one.indices)
    at, boxes = _followed(video, one, wan.fps, find_people, group) if params.crop == "follow" else ([], one.boxes)
    shape = best_shape(boxes, source_size, wan.all_sizes if group else wan.sizes, params.crop, params.margin)
    windows = [shape.window] * frames
    if params.crop == "follow":
        path = camera_path(at, boxes, frames, wan.fps, shape.window, source_size)
        save_path(clip, path)
        windows = moved(shape.window, path)
    row.update(zip(("width", "height"), wan.clip_size(shape.size), strict=True))
    row.update(zip(("crop_x", "crop_y", "crop_w", "crop_h"), windows[0], strict=True))
    return windows


def _followed(
    video: Path, one: Candidate, fps: float, find_people: FindPeople, group: bool
) -> tuple[list[int], NDArray[np.float64]]:
    """The frames of a clip in which the dancer, or the group, is looked for and seen, and the boxes (K, 4) there."""
    last = len(one.indices) - 1
    looks = [*range(0, last, max(round(EVERY_S * fps), 1)), last]
    people = [find_people(frame) for frame in stream_frames(video, one.indices[looks].tolist())]
    at = [look for look, seen in zip(looks, people, strict=True) if len(seen)]
    return (at, find_dancers(people, group=group)[0]) if at else ([0], one.boxes[:1])
