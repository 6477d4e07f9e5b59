"""From clips to landmarks and control videos, a shard at a time."""

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.aist.names import sequence_name
from facedance.config.sections import Poses, WanModel
from facedance.files import atomic, sha256
from facedance.poses.crowd import MOST
from facedance.poses.draw import control_frames
from facedance.poses.find import PEOPLE, find_pose
from facedance.poses.group import find_group
from facedance.poses.keypoints2d import clip_keypoints
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.skeleton import COCO, MEDIAPIPE
from facedance.poses.smooth import fill_gaps, one_euro
from facedance.poses.table import landmark_table
from facedance.poses.view import view_file
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.tables import write_table
from facedance.video.frames import Footage
from facedance.video.pictures import Frame
from facedance.video.window_path import cut_window, windows_of
from facedance.video.writing import write_video
from facedance.workers import Broken, in_workers

_MANIFEST_COLUMNS = ["clip", "status", "reason", "origin", "dancers", "surety", "tracked_rate", "sha256"]
PRESET = "ultrafast"  # encoding would else take a sixth of the time; such pictures stay small all the same
CRF = 12  # flat colours on black cost few bytes, and they must not bleed


@dataclass(frozen=True)
class PoseFiles:
    """What the pose extraction of one shard reads and writes."""

    clips: Path  # csv with the shard's clips
    clips_folder: Path  # their videos, `<clip>.mp4`, and larger ones (`facedance.poses.view`)
    keypoints: Mapping[str, Path]  # AIST++'s keypoints2d that are to be used, by the names of their sequences
    model: Path  # MediaPipe's landmarker
    landmarks: Path  # parquet to write: clip, dancer, frame, joint, x, y, z, visibility, interpolated
    manifest: Path  # csv to write: `_MANIFEST_COLUMNS`
    folder: Path  # for the control videos, `<clip>.mp4`

    def kept_landmarks(self, clip: str) -> Path:
        """Where the landmarks of one clip are kept between runs."""
        return self.folder / ".items" / f"{clip}.parquet"


@dataclass(frozen=True)
class _Setting:
    """What all clips of a shard share."""

    files: PoseFiles
    params: Poses
    wan: WanModel


@dataclass(frozen=True)
class _Job:
    """A clip that has to be done, `number` of `count`, with its row of the clips' manifest."""

    row: dict[str, Any]
    video: Path  # the clip, or its larger copy
    keypoints: Path | None
    key: str
    number: int
    count: int

    @property
    def clip(self) -> str:
        return str(self.row["clip"])

    @property
    def is_group(self) -> bool:
        return int(self.row["dancers"]) > 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the clip."""
        return int(self.row["width"]), int(self.row["height"])


@dataclass(frozen=True)
class _Found:
    """What was found in a clip."""

    joints: NDArray[np.float32]  # (P, T, J, 4) of P dancers; NaN where unknown
    doubt: str  # why they cannot be theirs, or ""
    origin: Literal["keypoints2d", "mediapipe"]
    tracked: tuple[int, int]  # frames in which dancers are followed, of so many
    surety: float = 1.0  # share of the frames in which it is beyond doubt who is who

    @property
    def names(self) -> tuple[str, ...]:
        return COCO if self.origin == "keypoints2d" else MEDIAPIPE


def extract_shard(files: PoseFiles, params: Poses, wan: WanModel, stamp: Path, workers: int) -> None:
    """Landmarks and a control video of every accepted clip of a shard.

    A clip's landmarks are AIST++'s keypoints where a file of its sequence knows its camera, else MediaPipe's of
    the person that the clip was cropped for (`facedance.poses.find`); of a group, they are those of all of its dancers
    (`facedance.poses.group`). Their x, y and z are pixels of the clip, NaN where unknown; keypoints have no z. A clip with too
    few tracked frames, or whose joints cannot be the dancer's, is rejected and gets neither landmarks nor a control video.
    A clip is done again only if it, the stamp or the model has changed.

    The workers are forked. A process that has opened a landmarker itself must not call this: MediaPipe's threads do not
    survive a fork, so a worker would wait for them for ever.

    Args:
        workers: processes, each of which does whole clips.

    Raises:
        InputError: a keypoints file cannot be read, or the model is damaged.
    """
    log = logging.getLogger("facedance")
    table = pd.read_csv(files.clips, keep_default_na=False, dtype={"clip": str, "camera": str})
    clips = table[table["status"] == "accepted"].to_dict("records")
    setting = _Setting(files, params, wan)
    jobs = []
    for number, clip in enumerate(clips, start=1):
        row = {str(column): value for column, value in clip.items()}
        clip_file = files.clips_folder / f"{row['clip']}.mp4"
        video = view if (view := view_file(clip_file)).is_file() else clip_file
        keypoints = _keypoints_of(row, files.keypoints)
        # Keypoints depend on where the clip was cut from its video, landmarks on what the clip shows.
        source: list[Any] = [sha256(files.model), int(row["dancers"])]
        if keypoints:
            source = [sha256(keypoints), {k: str(v) for k, v in row.items()}]
        jobs.append(_Job(row, video, keypoints, item_key(stamp, sha256(video), *source), number, len(clips)))
    facts = {job.clip: reusable(files.folder, job.clip, job.key) for job in jobs}
    todo = [job for job in jobs if facts[job.clip] is None]
    log.info("%d clips, %d of them unchanged", len(jobs), len(jobs) - len(todo))
    files.folder.mkdir(parents=True, exist_ok=True)
    for job, made in in_workers(functools.partial(_do_clips, setting=setting), todo, workers):
        facts[job.clip] = _lost(job, made, setting) if isinstance(made, Broken) else made

    accepted = [clip for clip, fact in facts.items() if fact is not None and fact["status"] == "accepted"]
    parts = [landmark_table("", (), np.zeros((0, 0, 0, 4), np.float32), np.zeros((0, 0, 0), np.bool_))]
    parts += [pd.read_parquet(files.kept_landmarks(clip)) for clip in accepted]
    with atomic(files.landmarks) as temporary:
        pd.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    write_table(files.manifest, list(facts.values()), _MANIFEST_COLUMNS)


def _keypoints_of(row: dict[str, Any], keypoints: Mapping[str, Path]) -> Path | None:
    """The keypoints file of a clip's sequence, if there is one: AIST++ has them of single dancers."""
    if not row["camera"] or int(row["dancers"]) > 1:
        return None
    return keypoints.get(sequence_name(str(row["clip"]).rsplit("_", 1)[0]))


def _do_clips(jobs: Sequence[_Job], setting: _Setting) -> Iterator[dict[str, Any]]:
    """A worker's share of the clips, one after the other: rows of the manifest."""
    cv2.setNumThreads(1)  # the workers share the cores between them already
    log = logging.getLogger("facedance")
    with ExitStack() as opened:
        confidence = setting.params.detection_confidence
        finders = {
            group: opened.enter_context(
                open_landmarker(setting.files.model, "image", people=people, detection_confidence=confidence)
            )
            for group, people in ((False, PEOPLE), (True, MOST))
            if any(job.is_group == group for job in jobs)
        }
        writer = opened.enter_context(ThreadPoolExecutor(1))
        written: Future[dict[str, Any]] | None = None
        for job in jobs:
            found = (_everybody if job.is_group else _dancer)(job, finders[job.is_group], setting)
            log.info("%d of %d: %s tracked", job.number, job.count, job.clip)
            # Drawn and encoded while the next clip is tracked: it fills the moments that MediaPipe's own threads wait.
            before, written = written, writer.submit(_write, job, found, setting)
            if before is not None:
                yield before.result()
        if written is not None:
            yield written.result()


def _dancer(job: _Job, finder: Landmarker, setting: _Setting) -> _Found:
    """What is found in a clip of one dancer.

    Where AIST++'s keypoints know too little of the clip, MediaPipe is asked: there are sequences that one camera did not see,
    and a tenth camera that no file knows.
    """
    if job.keypoints:
        known = _keypoints(job, job.keypoints, setting.files)
        if _tracked(known) >= setting.params.min_tracked * len(known):
            return _Found(known[None], "", "keypoints2d", (_tracked(known), len(known)))
        seen = f"{_tracked(known)} of {len(known)} frames of {job.row['camera']}"
        logging.getLogger("facedance").info("%s: %s knows %s, so MediaPipe is asked", job.clip, job.keypoints.name, seen)
    frames = Footage(job.video)
    found, doubt = find_pose(frames, float(job.row["fps"]), finder, setting.files.model, setting.params)
    return _Found(_in_clip(found, job, frames[0])[None], doubt, "mediapipe", (_tracked(found), len(found)))


def _everybody(job: _Job, finder: Landmarker, setting: _Setting) -> _Found:
    """What is found in a clip of several dancers."""
    frames = Footage(job.video)
    height, width = frames[0].shape[:2]
    group = find_group(frames, (width, height), finder, setting.params)
    return _Found(_in_clip(group.joints, job, frames[0]), group.doubt, "mediapipe", group.tracked, group.surety)


def _in_clip(joints: NDArray[np.float32], job: _Job, frame: Frame) -> NDArray[np.float32]:
    """Joints (..., 4) in a frame (H, W, 3) of a clip or its larger copy, in pixels of the clip."""
    width, height = np.array(job.size) / frame.shape[1::-1]
    return joints * np.array([width, height, width, 1], np.float32)


def _tracked(joints: NDArray[np.float32]) -> int:
    """Frames in which most of the joints (T, J, 4) are known; MediaPipe gives all of them or none."""
    return int((np.isfinite(joints[..., 0]).mean(axis=1) > 0.5).sum())


def _write(job: _Job, found: _Found, setting: _Setting) -> dict[str, Any]:
    """The products of a clip, and its row of the manifest."""
    files, params, wan = setting.files, setting.params, setting.wan
    video, kept = files.folder / f"{job.clip}.mp4", files.kept_landmarks(job.clip)
    tracked, of = found.tracked
    rate = tracked / of
    who = "dancers" if job.is_group else "dancer"
    too_few = f"{who} tracked in {tracked} of {of} frames; min_tracked is {params.min_tracked:g}"
    reason = too_few if rate < params.min_tracked else found.doubt
    accepted = not reason
    if accepted:
        tracks, filled = zip(*(fill_gaps(one, params.max_gap_frames) for one in found.joints), strict=True)
        joints = np.stack(tracks)
        if params.smoothing == "one_euro":
            for one in joints:
                one[..., :3] = one_euro(one[..., :3], wan.fps, unit=job.size[1])
        drawn = control_frames(joints, found.names, params, job.size, wan.drawing_side)
        write_video(video, drawn, wan.fps, crf=CRF, preset=PRESET)
        with atomic(kept) as temporary:
            landmark_table(job.clip, found.names, joints, np.stack(filled)).to_parquet(temporary, index=False)
    else:
        logging.getLogger("facedance").info("%s rejected: %s", job.clip, reason)
        video.unlink(missing_ok=True)
        kept.unlink(missing_ok=True)
    row = _row(job, reason, round(rate, 4), sha256(video) if accepted else "") | {
        "origin": found.origin,
        "dancers": len(found.joints),
        "surety": round(found.surety, 4),
    }
    record(files.folder, job.clip, job.key, [video, kept] if accepted else [], row)
    return row


def _lost(job: _Job, broken: Broken, setting: _Setting) -> dict[str, Any]:
    """The row of a clip that ended its worker."""
    logging.getLogger("facedance").error("%d of %d: %s: %s", job.number, job.count, job.clip, broken.how)
    for left in (setting.files.folder / f"{job.clip}.mp4", setting.files.kept_landmarks(job.clip)):
        left.unlink(missing_ok=True)
    return _row(job, f"dancer cannot be followed: {broken.how}", 0.0, "")


def _row(job: _Job, reason: str, tracked_rate: float, digest: str) -> dict[str, Any]:
    """A row of the manifest, as it is if nothing was found."""
    return {
        "clip": job.clip,
        "status": "rejected" if reason else "accepted",
        "reason": reason,
        "origin": "keypoints2d" if job.keypoints else "mediapipe",
        "dancers": 0,
        "surety": 0.0,
        "tracked_rate": tracked_rate,
        "sha256": digest,
    }


def _keypoints(job: _Job, path: Path, files: PoseFiles) -> NDArray[np.float32]:
    """AIST++'s keypoints of a clip as (T, 17, 4), without depth."""
    row, frames = job.row, int(job.row["frames"])
    source_size = int(row["source_width"]), int(row["source_height"])
    found = clip_keypoints(
        path,
        row["camera"],
        start_s=float(row["start_s"]),
        fps=float(row["fps"]),
        frames=frames,
        crop=windows_of(files.clips_folder / f"{job.clip}.mp4", cut_window(row), frames),
        source_size=source_size,
        clip_size=job.size,
    )
    return np.insert(found, 2, np.nan, axis=-1)
