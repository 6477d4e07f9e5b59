"""The dance that a video should follow: its joints at any moment, in the pixels of any picture."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance import layout
from facedance.config.params import Params
from facedance.config.sections import Size
from facedance.evaluate import pose
from facedance.evaluate.agreement import Wanted, pose_of
from facedance.evaluate.observe import Observation
from facedance.job import InputError
from facedance.names import shard_of_clip
from facedance.poses.find import PEOPLE, find_pose
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.poses.view import view_size
from facedance.tables import read_rows
from facedance.video.frames import Footage
from facedance.video.opening import UnreadableVideo
from facedance.video.writing import write_video
from facedance.yardstick.pictures import choose, same_shape

_SAME_FRAME = 1e-3  # of a frame: times in files are rounded

FITS = ("stretched", "cut to fill", "fitted whole")
"""The ways in which programs bring a picture into another shape, the picture's middle staying in the middle."""


@dataclass(frozen=True)
class Driving:
    """A dance of D frames."""

    name: str
    joints: NDArray[np.float32]  # (D, 17, 3) x, y in pixels and visibility; NaN with visibility 0 where unknown
    fps: float
    size: Size
    source: Path  # the video of it
    control: Path | None  # its skeleton, where there is one

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float32]:
        """The joints (T, 17, 3) at times (T,) in seconds from the first frame.

        Between two frames they lie on the line between them, as visible as in the one in which they are less so. From half a
        frame after the last one on nothing is known.
        """
        place = times * self.fps
        whole_frame = np.round(place)
        place = np.where(np.abs(place - whole_frame) < _SAME_FRAME, whole_frame, place)
        low, last = np.floor(place).astype(np.int64), len(self.joints) - 1
        share = (place - low).astype(np.float32)[:, None]
        one, other = self.joints[np.clip(low, 0, last)], self.joints[np.clip(low + 1, 0, last)]
        between = one + (other - one) * share[..., None]
        between[..., 2] = np.minimum(one[..., 2], other[..., 2])
        sampled: NDArray[np.float32] = np.where(share[..., None] > 0, between, one)
        sampled[place > last + 0.5] = (np.nan, np.nan, 0)
        return sampled


def of_clip(root: Path, clip: str, params: Params) -> Driving | None:
    """The dance of a clip of the project at `root`; None where no clip with landmarks is called so."""
    landmarks = root / layout.LANDMARKS.format(shard=shard_of_clip(clip, params.shards))
    table = root / layout.ALL_CLIPS
    if not (landmarks.is_file() and table.is_file()):
        return None
    joints = pose.read_landmarks([landmarks], [clip]).get(clip)
    rows = [row for row in read_rows(table) if row["clip"] == clip]
    if joints is None or not rows:
        return None
    size = int(rows[0]["width"]), int(rows[0]["height"])
    source, control = (root / template.format(clip=clip) for template in (layout.CLIP, layout.CONTROL))
    return Driving(clip, joints, params.wan.fps, size, source, control)


def of_video(video: Path, params: Params, model: Path) -> Driving:
    """The dance of any video, its joints found as in clips: MediaPipe's, of the tallest person.

    Raises:
        InputError: it cannot be decoded, or the dancer cannot be followed.
    """
    wan = params.wan
    try:
        shots = choose(video, wan, None)
        size, seen_at = shots.size, view_size((0, 0, *shots.own_size), shots.size) or shots.size
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "dance.mp4"
            write_video(copy, replace(shots, size=seen_at).frames(), wan.fps)
            frames = Footage(copy)
            with open_landmarker(model, "image", people=PEOPLE, detection_confidence=params.poses.detection_confidence) as finder:
                joints, doubt = find_pose(frames, wan.fps, finder, model, params.poses)
    except UnreadableVideo as error:
        raise InputError(f"the driving video {video} {error}") from None
    tracked = float(np.isfinite(joints[:, 0, 0]).mean())
    if doubt or tracked < params.poses.min_tracked:
        raise InputError(f"the dancer of {video} cannot be followed: {doubt or f'seen in {tracked:.0%} of its frames'}")
    filled, _ = fill_gaps(joints, params.poses.max_gap_frames)
    known = filled[:, COCO_IN_MEDIAPIPE][..., [0, 1, 3]] * np.array([size[0] / seen_at[0], size[1] / seen_at[1], 1], np.float32)
    known[..., 2] = np.where(np.isnan(known[..., 0]), 0, known[..., 2])
    return Driving(video.stem, known.astype(np.float32), wan.fps, size, video, None)


def best_fit(driving: Driving, times: NDArray[np.float64], size: Size, seen: Observation, wanted: Wanted) -> tuple[Wanted, str]:
    """What the video should show, with the joints at these times in pixels of a picture of this size, and what to tell of it.

    Where the shapes differ, nobody knows how a program has brought the one into the other: of `FITS` the one counts in which
    the video does best.
    """
    joints = driving.at(times)
    if same_shape(driving.size, size):
        return replace(wanted, driving=_placed(joints, driving.size, size, FITS[0])), ""
    tried = {how: replace(wanted, driving=_placed(joints, driving.size, size, how)) for how in FITS}
    scores = {how: pose_of(seen, one, 0, len(times)).pck or 0.0 for how, one in tried.items()}
    best = max(FITS, key=lambda how: scores[how])
    return tried[best], f"the dance is {driving.size[0]} x {driving.size[1]}, taken as {best}"


def _placed(joints: NDArray[np.float32], own: Size, size: Size, how: str) -> NDArray[np.float32]:
    ratios = size[0] / own[0], size[1] / own[1]
    scale = np.array({FITS[0]: ratios, FITS[1]: (max(ratios),) * 2, FITS[2]: (min(ratios),) * 2}[how], np.float32)
    if ratios == (1, 1):
        return joints
    placed = joints.copy()
    placed[..., :2] = (joints[..., :2] - np.array(own, np.float32) / 2) * scale + np.array(size, np.float32) / 2
    return placed
