"""What of a person's photos and of the clips deserves a look, in sentences. What is refused is said elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from facedance.config.face_branch import NOBODY_ELSE
from facedance.job import first_few
from facedance.report.fates import Fate

GOOD_PHOTOS = 10
"""So many photos of a person are asked for; fewer work, and teach less."""

CLEAR_FACE_PX = 100.0
"""A face in a photo that is smaller shows no more than a render does."""

SURE = 0.95
"""Share of a clip's frames in which the dancer should have been followed, and it should be sure who of a group is who."""


@dataclass(frozen=True)
class Photo:
    """A photo and what became of it; `face_px` is the height of the face in pixels, None where none was measured."""

    name: str
    reason: str  # empty: it is used
    face_px: float | None


def about_photos(person: str, photos: Sequence[Photo]) -> Iterator[str]:
    """What may keep a training from learning the person's face."""
    used = [photo for photo in photos if not photo.reason]
    if len(used) < GOOD_PHOTOS:
        yield f"{person}: {len(used)} of {len(photos)} photos are used, and {GOOD_PHOTOS} to 15 teach a face better."
    sizes = sorted(photo.face_px for photo in used if photo.face_px is not None)
    if sizes and sizes[len(sizes) // 2] < CLEAR_FACE_PX:
        yield (
            f"{person}: half of the faces are lower than {sizes[len(sizes) // 2]:.0f} pixels; photos from nearer, with faces of "
            f"200 pixels and more, show what a render needs."
        )


def about_clips(clips: Sequence[Fate]) -> Iterator[str]:
    """What may spoil a render."""
    used = [clip for clip in clips if not clip.reason]
    for clip in used:
        if clip.tracked_rate is not None and clip.tracked_rate < SURE:
            who = "the dancer was" if clip.dancers == 1 else f"the {clip.dancers} dancers were"
            yield f"{clip.name}: {who} followed in {clip.tracked_rate:.0%} of the frames only, the others are guessed."
        if clip.surety < SURE:
            yield f"{clip.name}: in {1 - clip.surety:.0%} of the frames two dancers may have been taken for each other."
        if clip.cut_px is not None and clip.size is not None and clip.cut_px < clip.size[1] / 2:
            yield f"{clip.name}: {clip.cut_px} pixels of the video are enlarged to {clip.size[1]}, so the skeleton is coarse."


def about_casts(without: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Of each cast the clips that are asked for in which by it nobody becomes somebody."""
    for cast, clips in without.items():
        if clips:
            yield f"{cast}: {first_few(clips)} will be left out, as nobody there becomes somebody."


def about_plan(renders: Mapping[str, int], strangers: Sequence[str], model: str, one_face: bool) -> Iterator[str]:
    """What is odd about what will be made: `renders` by who is in them, `strangers` to the tiny model's drawn world.

    `one_face`: whether each training begins a face branch that sees nobody but its person.
    """
    if one_face:
        yield NOBODY_ELSE
    yield from (f"{who}: nothing will be rendered." for who, count in renders.items() if not count)
    if model == "tiny" and strangers:
        yield (
            f"The tiny model knows its own drawn people only: {', '.join(strangers)} will come out as blobs. "
            f"Set `model: wan2.1-vace-1.3b` for them."
        )
