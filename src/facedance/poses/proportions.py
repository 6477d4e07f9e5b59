"""How long the parts of a body are, against each other: of a dancer over a clip, of a person in photos."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facedance.files import read_json, write_json

BONES = ("head", "neck", "shoulders", "torso", "hips", "upper_arm", "forearm", "thigh", "shin")
"""From the middle of the ears to the top of the head, from there to the middle of the shoulders, from one shoulder to the other,
from the middle of the shoulders to that of the hips, from hip to hip, and the limbs."""

MEASURES = (("head", "neck", "torso", "thigh", "shin"), ("torso",), ("shoulders",))
"""What stays as long as it is in the dancer: the height, or where that is not known the torso, or the shoulders."""

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_ENDS = {"upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"), "thigh": ("hip", "knee"), "shin": ("knee", "ankle")}
_FULL = 75.0
"""Percentile over a clip, as of the arms in photos: more often bones point at the camera, and what is longest is a slip of the
tracker."""

_MOST = 2.0
"""By which a bone is made longer or shorter at most: whoever is only seen from the side has no shoulders to go by."""


@dataclass(frozen=True)
class Proportions:
    """What photos tell of somebody's body."""

    shows: str  # how much of the body the photos show from which it was taken: whole, half, face, or nothing
    photos: tuple[str, ...]  # the names of these photos
    lengths: Mapping[str, float]  # of those of `BONES` that are known, in a unit of their own

    def in_words(self) -> str:
        """What was taken from which photos, as one sentence without its end."""
        if not self.lengths:
            return "no photo shows the shoulders, so all is as in the dancer"
        known = ", ".join(name.replace("_", " ") for name in BONES if name in self.lengths)
        rest = "" if len(self.lengths) == len(BONES) else "; the rest is as in the dancer"
        body = {"whole": "the whole body", "half": "half the body", "face": "head and shoulders"}[self.shows]
        photos = "1 photo that shows" if len(self.photos) == 1 else f"{len(self.photos)} photos that show"
        return f"{known} from {photos} {body}{rest}"


def save_proportions(path: Path, identity: str, proportions: Proportions) -> None:
    """Write them as json."""
    write_json(path, {"identity": identity, **asdict(proportions), "in_words": proportions.in_words()})


def load_proportions(path: Path) -> Proportions:
    """What `save_proportions` wrote."""
    content: dict[str, Any] = read_json(path)
    return Proportions(content["shows"], tuple(content["photos"]), content["lengths"])


def bones(joints: NDArray[np.floating], names: tuple[str, ...]) -> dict[str, NDArray[np.floating]]:
    """Lengths (T, 1), or of limbs (T, 2) left and right, of joints (T, J, 2 or more); NaN where an end is not known.

    The head is measured by the largest distance between two of nose, eyes and ears, which is much the same from all sides and
    half its height.
    """
    at = {name: joints[:, names.index(name), :2] for name in names}

    def between(*ends: NDArray[np.floating]) -> NDArray[np.floating]:
        length: NDArray[np.floating] = np.linalg.norm(ends[0] - ends[1], axis=-1)
        return length

    def middle(part: str) -> NDArray[np.floating]:
        both: NDArray[np.floating] = (at[f"left_{part}"] + at[f"right_{part}"]) / 2
        return both

    face = np.stack([at[name] for name in _FACE], axis=1)  # (T, 5, 2)
    spans = np.linalg.norm(face[:, :, None] - face[:, None], axis=-1).max(axis=(1, 2))
    whole = {
        "head": spans,
        "neck": between(middle("ear"), middle("shoulder")),
        "shoulders": between(at["left_shoulder"], at["right_shoulder"]),
        "torso": between(middle("shoulder"), middle("hip")),
        "hips": between(at["left_hip"], at["right_hip"]),
    }
    limbs = {
        name: np.stack([between(at[f"{side}_{a}"], at[f"{side}_{b}"]) for side in ("left", "right")], axis=1)
        for name, (a, b) in _ENDS.items()
    }
    return {name: length[:, None] for name, length in whole.items()} | limbs


def full_lengths(joints: NDArray[np.floating], names: tuple[str, ...]) -> dict[str, float]:
    """How long each bone of a dancer with joints (T, J, 2 or more) is when it lies across the picture; without unknown ones."""
    found = {name: lengths[np.isfinite(lengths)] for name, lengths in bones(joints, names).items()}
    full = {name: float(np.percentile(known, _FULL)) for name, known in found.items() if len(known)}
    return {name: length for name, length in full.items() if length > 0}


def factors(dancer: Mapping[str, float], person: Mapping[str, float]) -> dict[str, float]:
    """By what each of `BONES` of the dancer is multiplied, so that lengths are to each other as in the person.

    The first of `MEASURES` that both know stays what it is in the dancer. What is not known stays too, and so does everything
    where no measure is known. Units of `dancer` and `person` may differ.
    """
    known = dancer.keys() & person.keys()
    measure = next((names for names in MEASURES if known.issuperset(names)), None)
    if measure is None:
        return dict.fromkeys(BONES, 1.0)
    unit = sum(dancer[name] for name in measure) / sum(person[name] for name in measure)
    wanted = {name: unit * person[name] / dancer[name] for name in known}
    return {name: float(np.clip(wanted.get(name, 1.0), 1 / _MOST, _MOST)) for name in BONES}


def mixed(parts: Mapping[str, tuple[Mapping[str, float], float]]) -> dict[str, float]:
    """The factors of a blend, of each person's factors and weight: their geometric mean."""
    total = sum(weight for _, weight in parts.values())
    return {name: float(np.exp(sum(weight * np.log(own[name]) for own, weight in parts.values()) / total)) for name in BONES}
