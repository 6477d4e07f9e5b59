"""Which files in data/ are the sample's own: those that still hold what it made, as it recorded.

So a file that took the place of one is the user's, and without the sample only the user's count. Rules read this, in the
project's folder.
"""

import os
from collections.abc import Collection
from pathlib import Path

from facedance import layout
from facedance.inputs import photos_in
from facedance.rerun.content import content_digest
from facedance.sample import catalogue
from facedance.sample.record import recorded


def own_files(record: Path | str, folder: str, of: str = "") -> frozenset[str]:
    """Paths of the files in the folder that are as the sample made them, of the person `of` where they are of one."""
    digests = {f"{folder}/{name}": digest for name, digest in recorded(record, of).items()}
    return frozenset(path for path, digest in digests.items() if content_digest(path) == digest)


def own_videos() -> frozenset[str]:
    """Paths of the videos that the sample has made and nobody has replaced."""
    folder = layout.folder(layout.VIDEO)
    return frozenset().union(*(own_files(layout.SAMPLE_VIDEO.format(video=name), folder) for name in catalogue.VIDEOS))


def videos_to_make() -> list[str]:
    """The sample's videos, without those in whose place the user has put another."""
    places = {name: (layout.VIDEO.format(video=name), layout.SAMPLE_VIDEO.format(video=name)) for name in catalogue.VIDEOS}
    return [name for name, place in places.items() if is_own_or_absent(*place, _stamp("make_sample_video", name))]


def keypoints_to_make(videos: Collection[str]) -> list[str]:
    """The sequences of these videos whose keypoints the sample makes, likewise."""
    sequences = [name for name in catalogue.KEYPOINT_SEQUENCES if catalogue.video_of_sequence(name) in videos]
    return [name for name in sequences if is_own_or_absent(*_keypoints(name), _stamp("make_sample_keypoints", name))]


def has_users_keypoints(sequence: str) -> bool:
    """Whether there are keypoints of a sequence that the sample has not made."""
    path, record = _keypoints(sequence)
    return os.path.isfile(path) and path not in own_files(record, os.path.dirname(path))


def photos_of(identity: str, *, sample: bool) -> dict[str, str]:
    """Photos of a person by their names: what is in the folder, and with the `sample` what it will put there."""
    folder = f"{layout.folder(layout.PHOTO)}/{identity}"
    record = layout.SAMPLE_PHOTOS.format(identity=identity)
    found = photos_in(folder)
    if not sample:
        made = own_files(record, folder, identity)
        found = {name: path for name, path in found.items() if path not in made}
    elif not recorded(record, identity):
        found |= {name: f"{folder}/{name}" for name in catalogue.PHOTOS}
    return dict(sorted(found.items()))


def is_own_or_absent(path: str, record: str, stamp: str) -> bool:
    """Whether the sample may make a file: it is not there, or the sample has made it.

    A file without a record is the sample's if a rule has a `stamp` for it: it is being made.
    """
    if not os.path.lexists(path):
        return True
    return path in own_files(record, os.path.dirname(path)) or (not os.path.exists(record) and os.path.exists(stamp))


def _keypoints(sequence: str) -> tuple[str, str]:
    return layout.KEYPOINTS.format(sequence=sequence), layout.SAMPLE_KEYPOINTS.format(sequence=sequence)


def _stamp(rule: str, name: str) -> str:
    return layout.of_job(layout.STAMPS[0], rule, [name], ".json")
