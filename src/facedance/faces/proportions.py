"""How a person is built, from the photos that their face is taken from."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Poses
from facedance.faces.accepted import accepted_photos
from facedance.faces.find import turned
from facedance.faces.photos import load_photo
from facedance.poses.landmarker import open_landmarker
from facedance.poses.proportions import BONES, MEASURES, Proportions, bones, save_proportions
from facedance.poses.skeleton import MEDIAPIPE

_log = logging.getLogger("facedance")

_SEEN = 0.5  # visibility from which MediaPipe takes a joint for seen
_STRAIGHT = 0.9  # of a leg's length: from hip to ankle in somebody who stands
_LIKE = 1.5  # times by which thigh and shin differ at most: else one of them points at the camera
_SHOWS = dict(zip(("whole", "half", "face"), MEASURES, strict=True))
_OF_BODY = {"whole": BONES, "half": BONES[:-2], "face": BONES[:3]}
_ARMS = ("upper_arm", "forearm")

Lengths = Mapping[str, float]


def measure_proportions(identity: str, table: Path, photos: Mapping[str, Path], model: Path, poses: Poses, path: Path) -> None:
    """Write what the accepted photos of a person tell of their proportions.

    Args:
        table: csv of the faces stage: photo, status, turn.
        photos: by their names.
        model: MediaPipe's landmarker.

    Raises:
        InputError: an accepted photo is gone.
    """
    accepted, seen = accepted_photos(identity, table, photos), {}
    with open_landmarker(model, "image", detection_confidence=poses.detection_confidence) as landmarker:
        for name, turn in accepted.items():
            photo = turned(load_photo(photos[name]), turn)
            people = landmarker.detect(photo)
            seen[name] = lengths_in(people[0], photo.shape[1::-1]) if len(people) else {}
    proportions = of_photos(seen)
    save_proportions(path, identity, proportions)
    _log.info("%s: %s", identity, proportions.in_words())


def lengths_in(person: NDArray[np.float32], size: Sequence[int]) -> Lengths:
    """The bones in pixels of a person (33, 4) in a photo of this width and height, of which both ends are seen.

    Of left and right the longer one counts, as the other points more at the camera. The legs count of who stands.
    """
    hidden = (person[:, 3] < _SEEN) | ~((person[:, :2] >= 0) & (person[:, :2] < size)).all(axis=1)
    joints = np.where(hidden[:, None], np.nan, person)
    found = {
        name: float(np.nanmax(length)) for name, length in bones(joints[None], MEDIAPIPE).items() if not np.isnan(length).all()
    }
    if {"thigh", "shin"} <= found.keys() and not _stands(joints):
        del found["thigh"], found["shin"]
    return found


def of_photos(seen: Mapping[str, Lengths]) -> Proportions:
    """The proportions that lengths in photos tell, by the photos' names: of those that show most of the body.

    Each photo has a unit of its own, one of `facedance.poses.proportions.MEASURES`. The median over the photos counts, and of
    arms, which may be bent, the upper quartile; legs are those of who stands.
    """
    for shows, measure in _SHOWS.items():
        photos = {name: lengths for name, lengths in seen.items() if lengths.keys() >= {*measure, "head"}}
        if not photos:
            continue
        units = {name: sum(lengths[bone] for bone in measure) for name, lengths in photos.items()}
        shares = {
            bone: [lengths[bone] / units[name] for name, lengths in photos.items() if bone in lengths] for bone in _OF_BODY[shows]
        }
        known = {bone: float(np.quantile(own, 0.75 if bone in _ARMS else 0.5)) for bone, own in shares.items() if own}
        return Proportions(shows, tuple(photos), known)
    return Proportions("nothing", (), {})


def _stands(joints: NDArray[np.floating]) -> bool:
    """Whether one of the legs is straight and lies across the picture."""
    for side in ("left", "right"):
        hip, knee, ankle = (joints[MEDIAPIPE.index(f"{side}_{name}"), :2] for name in ("hip", "knee", "ankle"))
        thigh, shin, leg = (float(np.linalg.norm(a - b)) for a, b in ((hip, knee), (knee, ankle), (hip, ankle)))
        if leg >= _STRAIGHT * (thigh + shin) and max(thigh, shin) <= _LIKE * min(thigh, shin):
            return True
    return False
