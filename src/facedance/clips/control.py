"""Ready-made control videos, brought to the model's length, frame rate and size."""

import functools
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from facedance.clips.crop import crop_and_resize, whole_window
from facedance.clips.shape import aspect, nearest_size
from facedance.clips.tables import Row, note, readable_digest, unusable_rows, write_manifest
from facedance.clips.timing import fitting_frames, frame_indices, too_short
from facedance.clips.timing import whole as all_of
from facedance.config.sections import WanModel
from facedance.files import sha256
from facedance.layout import CONTROL_VIDEO
from facedance.names import CONTROL_PREFIX, control_id
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.video.frames import stream_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.times import inspect
from facedance.video.writing import write_video
from facedance.workers import Broken, in_workers

_AHEAD_S = 2.0  # a video is looked at a little beyond what is taken of it


def prepare_control(
    videos: Mapping[str, Path],
    unusable: Mapping[str, str],
    folder: Path,
    manifest: Path,
    wan: WanModel,
    stamp: Path,
    *,
    whole: bool,
) -> None:
    """Write `<folder>/<control_id>.mp4` of each video and list them in a csv with the columns of the clips.

    The first `wan.frames` frames at `wan.fps` are taken, or as many as there are, with the sound: the whole picture in the size
    that is nearest to its shape, with black around it; with `whole`, all frames there are. A video that is too short or cannot be
    decoded is rejected with the reason: a pose that stands still at the end would be danced so.

    Args:
        videos: by their names.
        unusable: files that are no videos, with the reasons; they are listed too.
    """
    log = logging.getLogger("facedance")
    named = {control_id(name): video for name, video in sorted(videos.items())}
    rows = unusable_rows(unusable, CONTROL_VIDEO, CONTROL_PREFIX)
    folder.mkdir(parents=True, exist_ok=True)
    keys = {}
    for name, video in named.items():
        content, unreadable = readable_digest(video)
        keys[name] = item_key(stamp, content, video.as_posix())
        row: Row | None = reusable(folder, name, keys[name]) if content else _rejected(name, video, unreadable)
        if row is not None:
            del keys[name]
            rows.append(row)
    todo = [(name, named[name]) for name in keys]
    log.info("%d control videos, %d of them unchanged or unreadable", len(named), len(named) - len(todo))
    prepared = in_workers(functools.partial(_prepare_all, folder=folder, wan=wan, whole=whole), todo, workers=1)
    for number, ((name, video), made) in enumerate(prepared, 1):
        path = folder / f"{name}.mp4"
        if isinstance(made, Broken):
            path.unlink(missing_ok=True)
            row = _rejected(name, video, f"cannot be decoded: {made.how}")
        else:
            row = made
            record(folder, name, keys[name], [path] if row["status"] == "accepted" else [], row)
        rows.append(row)
        log.info("control video %d of %d: %s %s %s", number, len(todo), video, row["status"], row["reason"])
    write_manifest(manifest, rows)


def _prepare_all(videos: Sequence[tuple[str, Path]], folder: Path, wan: WanModel, whole: bool) -> Iterator[Row]:
    for name, video in videos:
        yield _prepare(name, video, folder, wan, whole)


def _prepare(name: str, video: Path, folder: Path, wan: WanModel, whole: bool) -> Row:
    path = folder / f"{name}.mp4"
    row = _rejected(name, video, "")
    try:
        info = inspect(video, math.inf if whole else wan.frames / wan.fps + _AHEAD_S)
        stretch = all_of(info.timestamps)
        frames = fitting_frames(stretch, wan.fps, max(stretch.room(wan.fps), wan.frames) if whole else wan.frames)
        if not frames:
            return row | {"reason": info.damage or too_short(info.seconds, wan.fps, wan.frames)}
        source_size = info.width, info.height
        size = nearest_size(source_size, wan.sizes)
        window, (width, height) = whole_window(source_size, aspect(size)), wan.clip_size(size)
        taken = stream_frames(video, frame_indices(info.timestamps, 0, wan.fps, frames).tolist())
        pictures = (crop_and_resize(frame, window, (width, height)) for frame in taken)
        sound = write_video(path, pictures, wan.fps, audio_from=video)
    except UnreadableVideo as error:
        path.unlink(missing_ok=True)
        return row | {"reason": str(error)}
    numbers = {"start_s": 0.0, "frames": frames, "fps": wan.fps, "width": width, "height": height}
    told = note(info, sound, frames, wan.frames)
    return row | numbers | {"status": "accepted", "reason": "", "sha256": sha256(path), "note": told}


def _rejected(name: str, video: Path, reason: str) -> Row:
    return {"clip": name, "source": video.as_posix(), "status": "rejected", "reason": reason}
