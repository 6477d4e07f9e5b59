"""From videos to clips of the model's length, frame rate and size, a shard at a time."""

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.aist.names import is_ignored, parse, read_ignore_list
from facedance.clips.crop import crop_and_resize
from facedance.clips.dances import find_dances
from facedance.clips.framing import framed
from facedance.clips.in_view import FindPeople
from facedance.clips.scenes import SceneWatch
from facedance.clips.search import Candidate, Search, find_clips
from facedance.clips.tables import Row, note, readable_digest, write_manifest
from facedance.clips.timing import FEWEST_FRAMES, no_scene, too_short, whole
from facedance.config.parts import part_of
from facedance.config.patterns import matches
from facedance.config.sections import Clips, WanModel
from facedance.files import sha256
from facedance.names import clip_id, shown
from facedance.poses.crowd import MOST, everybody
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.view import view_file, view_size
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.video.frames import stream_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.pictures import Frame
from facedance.video.times import VideoInfo, inspect
from facedance.video.window_path import Window, path_file
from facedance.video.writing import silent_video, write_video
from facedance.workers import Broken, in_workers

_AHEAD_S, _FURTHER = 2.0, 4  # a video is looked at a little beyond what its clips need, and further if need be
_PEOPLE = 3  # are told apart


@dataclass(frozen=True)
class CutFiles:
    """What the cutting of one shard reads and writes."""

    videos: Mapping[str, Path]  # by their names
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
    windows: Sequence[Window]  # one for each frame; all have one size

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the clip."""
        return self.row["width"], self.row["height"]


def cut_shard(files: CutFiles, params: Clips, wan: WanModel, stamp: Path, workers: int) -> None:
    """Cut videos into clips of `wan.frames` frames, or fewer where there is no room, with their sound, and list them.

    `facedance.clips.search` says where clips begin; with `params.whole` they are as long as the dances
    (`facedance.clips.dances`). A video that is ignored, too short or cannot be decoded gets one row,
    named like the video, with the reason. A clip that shows nobody, or several people where the video is none of `params.group`,
    gets one too, named like the clip.
    A video is cut again only if it, the stamp or the pose model has changed.

    Args:
        workers: processes, each of which does whole videos.

    Raises:
        InputError: the ignore list or the pose model cannot be read.
    """
    log = logging.getLogger("facedance")
    named = dict(sorted(files.videos.items()))
    ignore_list = read_ignore_list(params.ignore_list) if params.ignore_list else frozenset()
    ignored = [name for name, video in named.items() if is_ignored(video.stem, ignore_list)]
    digests = {name: readable_digest(video) for name, video in named.items() if name not in ignored}
    unreadable = {name: reason for name, (_, reason) in digests.items() if reason}
    kept = {name: video for name, video in named.items() if name in digests and name not in unreadable}
    model = sha256(files.pose_model) if kept and files.pose_model.is_file() else None
    keys = {name: item_key(stamp, digests[name][0], video.as_posix(), model) for name, video in kept.items()}
    facts = {name: reusable(files.folder, name, keys[name]) for name in kept}
    todo = [name for name, fact in facts.items() if fact is None]
    log.info("%d videos: %d to cut, %d unchanged, %d ignored", len(named), len(todo), len(kept) - len(todo), len(ignored))
    files.folder.mkdir(parents=True, exist_ok=True)
    for name in [*ignored, *unreadable]:
        _remove_clips(files.folder, name)
    jobs = [_Job(name, kept[name], keys[name], number, len(todo)) for number, name in enumerate(todo, 1)]
    for job, rows in in_workers(functools.partial(_do_videos, setting=_Setting(files, params, wan)), jobs, workers):
        if isinstance(rows, Broken):
            log.error("%d of %d: %s: %s", job.number, job.count, job.video, rows.how)
            _remove_clips(files.folder, job.name)
            unreadable[job.name] = f"cannot be decoded: {rows.how}"
        else:
            facts[job.name] = {"rows": rows}
    rows = [row for fact in facts.values() if fact is not None for row in fact["rows"]]
    refused = dict.fromkeys(ignored, "is in the ignore list") | unreadable
    write_manifest(files.manifest, rows + [_rejected_video(name, named[name], reason) for name, reason in refused.items()])


def cut_video(name: str, video: Path, folder: Path, params: Clips, wan: WanModel, find_people: FindPeople) -> list[Row]:
    """Cut one video as `cut_shard` does, for clips called after `name`; returns its rows."""
    _remove_clips(folder, name)
    try:
        info, found = _search(name, video, params, wan, find_people)
        if not found:
            return [_rejected_video(name, video, _no_room(name, info, params, wan))]
        rows, cuts = [], []
        for i, one in enumerate(found):
            row = _row(video, info, wan) | {"clip": clip_id(name, i), "start_s": one.start, "frames": len(one.indices)}
            rows.append(row)
            if one.reason:
                row.update(status="rejected", reason=one.reason)
                continue
            clip, group = folder / f"{row['clip']}.mp4", matches(name, params.group)
            row["dancers"] = one.dancers
            windows = framed(row, one, video, clip, params, wan, find_people, group=group)
            cuts.append(_Cut(row, one.indices, windows))
            _tell_repeats(row, one.indices, info)
        _write_clips(video, cuts, folder, info, wan)
    except UnreadableVideo as error:
        _remove_clips(folder, name)
        return [_rejected_video(name, video, str(error))]
    return rows


def _search(name: str, video: Path, params: Clips, wan: WanModel, find_people: FindPeople) -> tuple[VideoInfo, list[Candidate]]:
    """What a video is, as far as it was looked at, and the parts of it that become clips or were tried."""
    start, end = part_of(name, params.stretches)
    seen: dict[int, NDArray[np.floating]] = {}

    def look(indices: Sequence[int]) -> dict[int, NDArray[np.floating]]:
        new = [index for index in indices if index not in seen]
        seen.update({index: find_people(frame) for index, frame in zip(new, stream_frames(video, new), strict=True)})
        return seen

    until = (end if params.whole else start + params.max_per_video * wan.frames / wan.fps) + _AHEAD_S
    while True:
        watch = SceneWatch()
        info = inspect(video, until, watch.see)
        parts = [scene.within(start, end) for scene in watch.scenes(info.timestamps)]
        scenes = [part for part in parts if part.room(wan.fps)]
        search = Search(scenes, info.timestamps, wan, params.max_per_video, look, matches(name, params.group))
        if params.whole:
            return info, find_dances(search)
        found, enough = find_clips(search, complete=info.complete or until >= end)
        if enough:
            return info, found
        logging.getLogger("facedance").info("%s: no use in its first %.0f s, looking further", shown(video), until)
        until *= _FURTHER


def _do_videos(jobs: Sequence[_Job], setting: _Setting) -> Iterator[list[Row]]:
    """A worker's share of the videos, one after the other: their rows."""
    cv2.setNumThreads(1)  # the workers share the cores between them already
    log = logging.getLogger("facedance")
    folder, params = setting.files.folder, setting.params
    with ExitStack() as opened:

        def landmarker(people: int) -> Landmarker:
            confidence = params.people_score
            return opened.enter_context(
                open_landmarker(setting.files.pose_model, "image", people=people, detection_confidence=confidence)
            )

        one, several = landmarker(_PEOPLE), None
        for job in jobs:
            find: FindPeople = one.detect
            if matches(job.name, params.group):
                several = several or landmarker(MOST)
                find = functools.partial(everybody, finder=several)
            rows = cut_video(job.name, job.video, folder, params, setting.wan, find)
            clips = [folder / f"{row['clip']}.mp4" for row in rows if row["status"] == "accepted"]
            for row, clip in zip((row for row in rows if row["status"] == "accepted"), clips, strict=True):
                row["sha256"] = sha256(clip)  # a clip that changed is a changed row, for all that comes after
            others = [file(clip) for clip in clips for file in (view_file, path_file)]
            record(folder, job.name, job.key, [*clips, *filter(Path.is_file, others)], {"rows": rows})
            rejected = "".join(f"; rejected: {row['clip']} {row['reason']}" for row in rows if row["status"] == "rejected")
            log.info("%d of %d: %s: %d cut%s", job.number, job.count, job.video, len(clips), rejected)
            yield rows


def _write_clips(video: Path, cuts: Sequence[_Cut], folder: Path, info: VideoInfo, wan: WanModel) -> None:
    """Write clips, and larger copies of those that need one, in one pass over the video: clips follow one another."""
    frames = stream_frames(video, [index for cut in cuts for index in cut.indices.tolist()])
    for cut in cuts:
        path, larger = folder / f"{cut.row['clip']}.mp4", view_size(cut.windows[0], cut.size)
        with silent_video(view_file(path), larger, wan.fps, preset="veryfast") if larger else nullcontext() as copy:
            pictures = _pictures(islice(frames, len(cut.indices)), cut.windows, cut.size, larger, copy)
            sound = write_video(path, pictures, wan.fps, audio_from=video, audio_start=cut.row["start_s"])
        cut.row["note"] = note(info, sound, len(cut.indices), wan.frames)


def _pictures(
    frames: Iterable[Frame],
    windows: Sequence[Window],
    size: tuple[int, int],
    larger: tuple[int, int] | None,
    copy: Callable[[Frame], None] | None,
) -> Iterator[Frame]:
    """The pictures of a clip; those of its `larger` copy, if it needs one, are written in passing."""
    for frame, window in zip(frames, windows, strict=True):
        if larger and copy:
            copy(crop_and_resize(frame, window, larger))
        yield crop_and_resize(frame, window, size)


def _no_room(name: str, info: VideoInfo, params: Clips, wan: WanModel) -> str:
    """Why not even a short clip can be cut."""
    start, end = part_of(name, params.stretches)
    if info.damage:
        return info.damage
    if start or end < info.seconds:
        return no_scene(wan.fps, wan.frames, f" in clips.stretches' {start:g} to {min(end, info.seconds):.4g} s")
    enough = whole(info.timestamps).room(wan.fps) >= min(FEWEST_FRAMES, wan.frames)
    return no_scene(wan.fps, wan.frames, "") if enough else too_short(info.seconds, wan.fps, wan.frames)


def _tell_repeats(row: Row, indices: NDArray[np.int64], info: VideoInfo) -> None:
    if repeated := int((np.diff(indices) == 0).sum()):
        line = "%s: its video has %.2f fps, the model %d, so %d of %d frames are shown twice"
        logging.getLogger("facedance").info(line, row["clip"], info.fps, row["fps"], repeated, len(indices))


def _row(video: Path, info: VideoInfo, wan: WanModel) -> Row:
    return {
        **_labels(video),
        "fps": wan.fps,
        "status": "accepted",
        "source_width": info.width,
        "source_height": info.height,
    }


def _rejected_video(name: str, video: Path, reason: str) -> Row:
    return {"clip": name, **_labels(video), "status": "rejected", "reason": reason}


def _labels(video: Path) -> Row:
    return {"source": shown(video), **asdict(parse(video.stem))}


def _remove_clips(folder: Path, name: str) -> None:
    """Remove what an earlier run cut from a video that now may be rejected, or give fewer clips."""
    clips = folder / f"{name}_[0-9][0-9][0-9].mp4"
    for pattern in (clips, view_file(clips), path_file(clips)):
        for file in folder.glob(pattern.relative_to(folder).as_posix()):
            file.unlink()
