"""The page to look at before training: one folder that opens from a disk. It needs no weights of a video model."""

import functools
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facedance.check.findings import Photo, about_casts, about_clips, about_photos, about_plan
from facedance.check.numbers import clearest_frame, numbered
from facedance.config.batches import renders_of, without_anybody
from facedance.config.cast import cast_in_words, cast_of
from facedance.config.params import Params
from facedance.config.patterns import matches
from facedance.config.texts import render_texts
from facedance.evaluate.pose import read_dancers
from facedance.faces.accepted import require_photos
from facedance.files import atomic
from facedance.job import InputError
from facedance.names import CONTROL_PREFIX, video_of_clip
from facedance.poses.usable import require_clips, require_poses
from facedance.report.fates import Fate, read_fates
from facedance.report.media import Media
from facedance.report.template import fill
from facedance.sample import catalogue
from facedance.tables import read_rows
from facedance.video.frames import Footage, read_frames
from facedance.video.pictures import Frame

MOMENTS = 5
"""Frames of a clip that its picture shows, from the first to the last."""

PICTURES = 60
"""Clips with a picture; the least surely followed come first."""

_SIDE = 200  # pixels, height of a frame in a picture
_NUMBERED_SIDE = 400  # and of the one that shows who is who


@dataclass(frozen=True)
class CheckFiles:
    """What the page is made from, and where it goes."""

    clips: Path  # csv: all clips, rejected ones included
    poses: Sequence[Path]  # csv: the clips whose poses were extracted and the control videos, rejected ones included
    faces: Mapping[str, Path]  # folders results/faces/<identity>, by identity
    clips_folder: Path  # `<clip>.mp4`
    poses_folder: Path  # control videos, `<clip>.mp4`
    landmarks: Sequence[Path]  # parquet: the dancers' joints
    folder: Path  # gets index.html and the pictures that it shows


def build_check(params: Params, files: CheckFiles, one_face: bool = False, controls: bool = False) -> None:
    """Write index.html, and its pictures.

    Args:
        one_face: whether each training begins a face branch that sees nobody else.
        controls: whether there are ready-made control videos.
    """
    media = Media(files.folder)
    photos = {person: read_photos(folder / "photos.csv") for person, folder in sorted(files.faces.items())}
    clips = read_fates(files.clips, files.poses)
    used = [clip for clip in clips if not clip.reason]
    shown = sorted(used, key=lambda clip: (1.0 if clip.tracked_rate is None else clip.tracked_rate, clip.name))[:PICTURES]
    dancers = {clip.name: clip.dancers for clip in used}
    without = without_anybody(dancers, params.render.rendered, params.render.batches)
    to_render = {
        who: [one for one in renders_of(who, dancers, params.render.batches) if one[0] not in clips]
        for who, clips in without.items()
    }
    groups = [clip.name for clip in used if clip.dancers > 1]
    joints = read_dancers(files.landmarks, groups)
    learned = [clip.name for clip in used if _is_learned(clip, params)]
    page = fill(
        "check/page.html",
        params=params,
        photos=photos,
        faces={person: media.add(folder / "crops.png", "faces", f"{person}.png") for person, folder in files.faces.items()},
        clips=clips,
        used=used,
        pictures={clip.name: media.write(_picture(clip, files), "clips", f"{clip.name}.jpg") for clip in shown},
        numbers={
            clip: media.write(_numbers(files.clips_folder / f"{clip}.mp4", joints[clip]), "groups", f"{clip}.jpg")
            for clip in groups
        },
        learned=learned,
        to_render=to_render,
        renders={who: sum(_seeds(params, variant) for _, variant in some) for who, some in to_render.items()},
        said={who: _said(params, who, (variant for _, variant in some)) for who, some in to_render.items()},
        cast={who: cast_in_words(cast) for who in to_render if (cast := cast_of(who))},
        refusals=[*_refusals(params, files, controls)],
        warnings=[
            *(sentence for person, found in photos.items() for sentence in about_photos(person, found)),
            *about_clips(clips),
            *about_casts(without),
            *about_plan({who: len(some) for who, some in to_render.items()}, _strangers(params, used), params.model, one_face),
        ],
    )
    media.remove_unused()
    with atomic(files.folder / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    logging.getLogger("facedance").info("%d people and %d clips to look at: %s", len(photos), len(used), files.folder)


def read_photos(table: Path) -> list[Photo]:
    """The photos of one person, as photos.csv lists them."""
    rows = read_rows(table)
    return [Photo(row["photo"], row["reason"], float(row["face_px"]) if row["face_px"] else None) for row in rows]


def overlay(frames: NDArray[np.uint8], skeletons: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3) with the drawn lines of control frames (T, H, W, 3) over them."""
    drawn = skeletons.max(axis=-1, keepdims=True) > 40  # black is never quite black after encoding
    lines = 0.8 * skeletons + 0.2 * frames
    return np.where(drawn, lines, frames).astype(np.uint8)


def _refusals(params: Params, files: CheckFiles, controls: bool) -> Iterator[str]:
    """The sentences with which a run would end before it trains."""
    people = sorted(files.faces.items())
    demands = [functools.partial(require_photos, who, folder / "photos.csv", params.faces.min_photos) for who, folder in people]
    demands += [functools.partial(require_clips, files.clips, controls), functools.partial(require_poses, files.poses)]
    for demand in demands:
        try:
            demand()
        except InputError as error:
            yield str(error)


def _picture(clip: Fate, files: CheckFiles) -> bytes:
    """Some moments of a clip side by side, with the skeleton over them, as a JPEG."""
    video = files.poses_folder / f"{clip.name}.mp4"
    moments = np.linspace(0, len(Footage(video)) - 1, MOMENTS).round().astype(int).tolist()
    skeletons = read_frames(video, moments)
    control = clip.name.startswith(CONTROL_PREFIX)
    frames = skeletons if control else overlay(read_frames(files.clips_folder / f"{clip.name}.mp4", moments), skeletons)
    return _jpeg(np.concatenate(frames, axis=1), _SIDE)


def _numbers(clip: Path, joints: NDArray[np.float32]) -> bytes:
    """The dancers of a group, joints (P, T, 17, 3), with their numbers, as a JPEG."""
    at = clearest_frame(joints)
    return _jpeg(numbered(read_frames(clip, [at])[0], joints[:, at]), _NUMBERED_SIDE)


def _jpeg(picture: Frame, most: int) -> bytes:
    """A picture (H, W, 3), at most so many pixels high, as a JPEG."""
    small = Image.fromarray(picture)
    small.thumbnail((small.width, most))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=85)
    return content.getvalue()


def _seeds(params: Params, variant: str) -> int:
    """How many renders are made for one of a variant."""
    return params.render.settings.varied(variant).seeds.tries


def _said(params: Params, who: str, variants: Iterable[str]) -> list[str]:
    """The prompts of someone's variants, each once."""
    texts = render_texts(params, who)
    return list(dict.fromkeys(texts[params.render.settings.varied(variant).prompt] or "nothing" for variant in variants))


def _is_learned(clip: Fate, params: Params) -> bool:
    video = video_of_clip(clip.name)
    return params.train.learns_clips and clip.cut_px is not None and matches(video, params.train.videos)


def _strangers(params: Params, used: Sequence[Fate]) -> list[str]:
    """People and videos that are not the sample's."""
    people = [person for person in params.identities if not (params.sample.enabled and person in params.sample.identities)]
    videos = {video_of_clip(clip.name) for clip in used} - set(catalogue.VIDEOS)
    return [*people, *sorted(videos)]
