"""From videos to clips of the model's length, frame rate and size, a shard at a time."""

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.clips.aist import is_ignored, parse, read_ignore_list
from facedance.clips.crop import Window, center_window, crop_and_resize, dancer_window
from facedance.clips.in_view import find_dancer
from facedance.clips.tables import Row, by_name, write_manifest
from facedance.clips.timing import frame_indices, too_short, window_starts
from facedance.config.sections import Clips, WanModel
from facedance.files import sha256
from facedance.names import clip_id, video_id
from facedance.poses.landmarker import open_landmarker
from facedance.poses.view import view_file, view_size
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.video import Frame, UnreadableVideo, VideoInfo, inspect, stream_frames, write_video

FindPeople = Callable[[Frame], NDArray[np.floating]]
"""The people in a frame (H, W, 3): landmarks (P, 33, >= 2) of x, y, ... in pixels."""

_SAMPLES = 10  # frames of a clip in which people are looked for
_PEOPLE = 3  # are told apart


@dataclass(frozen=True)
class CutFiles:
    """What the cutting of one shard reads and writes."""

    videos: Sequence[Path]
    pose_model: Path  # finds the people in a frame
    folder: Path  # for the clips, `<clip>.mp4`
    manifest: Path  # csv to write: the clips, and the videos and clips that were rejected


@dataclass(frozen=True)
class _Job:
    """A video that has to be cut, `number` of `count`."""

    name: str
    video: Path
    key: str
    number: int
    count: int


@dataclass(frozen=True)
class _Setting:
    """What all videos of a shard share."""

    files: CutFiles
    params: Clips
    wan: WanModel


@dataclass(frozen=True)
class _Cut:
    """A clip to be written: which frames of its video it consists of, and which part of them it shows."""

    row: Row
    indices: NDArray[np.int64]  # (frames,)
    window: Window


def cut_shard(files: CutFiles, params: Clips, wan: WanModel, stamp: Path, workers: int) -> None:
    """Cut videos into clips of `wan.frames` frames with their sound, and list them in the manifest.

    Clips follow one another from the video's beginning. A video that is ignored, too short or cannot be decoded gets one
    row, named like the video, with the reason. A clip that shows nobody or several people gets one too, named like the clip.
    A video is cut again only if it, the stamp or the pose model has changed.

    Args:
        workers: processes, each of which does whole videos.

    Raises:
        InputError: the ignore list or the pose model cannot be read, or two videos would give clips of the same name.
    """
    log = logging.getLogger("facedance")
    named = by_name(files.videos, video_id)
    ignore_list = read_ignore_list(params.ignore_list) if params.ignore_list else frozenset()
    ignored = [name for name, video in named.items() if is_ignored(video.stem, ignore_list)]
    kept = {name: video for name, video in named.items() if name not in ignored}
    model = sha256(files.pose_model) if kept and files.pose_model.is_file() else None
    keys = {name: item_key(stamp, sha256(video), video.as_posix(), model) for name, video in kept.items()}
    facts = {name: reusable(files.folder, name, keys[name]) for name in kept}
    todo = [name for name, fact in facts.items() if fact is None]
    log.info("%d videos: %d to cut, %d unchanged, %d ignored", len(named), len(todo), len(kept) - len(todo), len(ignored))
    files.folder.mkdir(parents=True, exist_ok=True)
    for name in ignored:
        _remove_clips(files.folder, name)
    jobs = [_Job(name, kept[name], keys[name], number, len(todo)) for number, name in enumerate(todo, 1)]
    if jobs:
        setting = _Setting(files, params, wan)
        # Forked: a spawned worker would run the calling script once more.
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
            for share in [pool.submit(_do_videos, jobs[i::workers], setting) for i in range(min(workers, len(jobs)))]:
                facts.update(share.result())
    rows = [row for fact in facts.values() if fact is not None for row in fact["rows"]]
    write_manifest(files.manifest, rows + [_rejected_video(named[name], "is in the ignore list") for name in ignored])


def cut_video(video: Path, folder: Path, params: Clips, wan: WanModel, find_people: FindPeople) -> list[Row]:
    """Cut one video as `cut_shard` does; returns its rows."""
    name = video_id(video)
    _remove_clips(folder, name)
    try:
        info = inspect(video)
        starts = window_starts(info.timestamps, wan.fps, wan.frames, params.max_per_video)
        if not starts:
            return [_rejected_video(video, too_short(info.seconds, wan.fps, wan.frames))]
        rows = [_row(video, info, wan) | {"clip": clip_id(name, i), "start_s": start} for i, start in enumerate(starts)]
        indices = [frame_indices(info.timestamps, start, wan.fps, wan.frames) for start in starts]
        cuts = []
        for row, clip, (boxes, reason) in zip(rows, indices, _find_dancers(video, indices, find_people), strict=True):
            if reason:
                row.update(status="rejected", reason=reason)
                continue
            window = _window(boxes, info, params, wan)
            row.update(zip(("crop_x", "crop_y", "crop_w", "crop_h"), window, strict=True))
            cuts.append(_Cut(row, clip, window))
            _tell_repeats(row, clip, info)
        _write_clips(video, cuts, folder, wan)
        _write_views(video, cuts, folder, wan)
    except UnreadableVideo as error:
        _remove_clips(folder, name)
        return [_rejected_video(video, str(error))]
    return rows


def _do_videos(jobs: Sequence[_Job], setting: _Setting) -> dict[str, dict[str, list[Row]]]:
    """A worker's share of the videos, one after the other: their rows by name."""
    cv2.setNumThreads(1)  # the workers share the cores between them already
    log = logging.getLogger("facedance")
    folder, params, facts = setting.files.folder, setting.params, {}
    confidence = params.people_score
    with open_landmarker(setting.files.pose_model, "image", people=_PEOPLE, detection_confidence=confidence) as landmarker:
        for job in jobs:
            rows = cut_video(job.video, folder, params, setting.wan, landmarker.detect)
            facts[job.name] = {"rows": rows}
            clips = [folder / f"{row['clip']}.mp4" for row in rows if row["status"] == "accepted"]
            for row, clip in zip((row for row in rows if row["status"] == "accepted"), clips, strict=True):
                row["sha256"] = sha256(clip)  # a clip that changed is a changed row, for all that comes after
            record(folder, job.name, job.key, [*clips, *filter(Path.is_file, map(view_file, clips))], facts[job.name])
            rejected = "".join(f"; rejected: {row['clip']} {row['reason']}" for row in rows if row["status"] == "rejected")
            log.info("%d of %d: %s: %d cut%s", job.number, job.count, job.video, len(clips), rejected)
    return facts


def _find_dancers(
    video: Path, indices: Sequence[NDArray[np.int64]], find_people: FindPeople
) -> Iterator[tuple[NDArray[np.float64], str]]:
    """For each clip, given by the source frames (frames,) it is made of, what `find_dancer` says of some of them."""
    samples = [clip[np.linspace(0, len(clip) - 1, _SAMPLES).round().astype(int)] for clip in indices]
    frames = stream_frames(video, np.concatenate(samples).tolist())
    for sample in samples:
        yield find_dancer([find_people(frame) for frame in islice(frames, len(sample))])


def _window(boxes: NDArray[np.float64], info: VideoInfo, params: Clips, wan: WanModel) -> Window:
    source_size, aspect = (info.width, info.height), wan.width / wan.height
    if params.crop == "center":
        return center_window(source_size, aspect)
    return dancer_window(boxes, source_size, aspect, params.margin)


def _write_clips(video: Path, cuts: Sequence[_Cut], folder: Path, wan: WanModel) -> None:
    # One pass over the video for all of its clips, which follow one another.
    frames = stream_frames(video, [index for cut in cuts for index in cut.indices.tolist()])
    for cut in cuts:
        pictures = (crop_and_resize(frame, cut.window, wan.clip_size) for frame in islice(frames, wan.frames))
        path = folder / f"{cut.row['clip']}.mp4"
        write_video(path, pictures, wan.fps, audio_from=video, audio_start=cut.row["start_s"])


def _write_views(video: Path, cuts: Sequence[_Cut], folder: Path, wan: WanModel) -> None:
    """Write the larger copies of the clips that need one."""
    sizes = [(cut, size) for cut in cuts if (size := view_size(cut.window, wan.clip_size))]
    frames = stream_frames(video, [index for cut, _ in sizes for index in cut.indices.tolist()]) if sizes else iter(())
    for cut, size in sizes:
        pictures = (crop_and_resize(frame, cut.window, size) for frame in islice(frames, len(cut.indices)))
        write_video(view_file(folder / f"{cut.row['clip']}.mp4"), pictures, wan.fps, preset="veryfast")


def _tell_repeats(row: Row, indices: NDArray[np.int64], info: VideoInfo) -> None:
    if repeated := int((np.diff(indices) == 0).sum()):
        line = "%s: its video has %.2f fps, the model %d, so %d of %d frames are shown twice"
        logging.getLogger("facedance").info(line, row["clip"], info.fps, row["fps"], repeated, len(indices))


def _row(video: Path, info: VideoInfo, wan: WanModel) -> Row:
    width, height = wan.clip_size
    return {
        **_labels(video),
        "frames": wan.frames,
        "fps": wan.fps,
        "width": width,
        "height": height,
        "status": "accepted",
        "source_width": info.width,
        "source_height": info.height,
    }


def _rejected_video(video: Path, reason: str) -> Row:
    return {"clip": video_id(video), **_labels(video), "status": "rejected", "reason": reason}


def _labels(video: Path) -> Row:
    return {"source": video.as_posix(), **asdict(parse(video.stem))}


def _remove_clips(folder: Path, name: str) -> None:
    """Remove what an earlier run cut from a video that now may be rejected, or give fewer clips."""
    for clip in folder.glob(f"{name}_[0-9][0-9][0-9].mp4"):
        clip.unlink()
        view_file(clip).unlink(missing_ok=True)
