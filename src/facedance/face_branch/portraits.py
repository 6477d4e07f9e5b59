"""Portraits as they are learned from: the head in a square window, its latents, and the embedding of the face.

A window holds the head only, with the face as large as in a person's photos: a step on it costs a fraction of one on whole
frames. All windows of a model have one shape, so a batch of them is computed at once.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from facedance.config.sections import Faces, Poses, WanModel
from facedance.face_branch.people import person_of
from facedance.faces.embed import LOOK_BELOW
from facedance.faces.embedding import Embedding, distance
from facedance.faces.face import Face, FaceBackend, Image
from facedance.faces.find import find_face
from facedance.faces.photos import UnusablePhoto, load_photo
from facedance.faces.quality import defect, measure
from facedance.faces.select import same_person
from facedance.files import remove
from facedance.job import InputError
from facedance.latents.encode import save_latents
from facedance.latents.photos import draw_person, frame_portrait
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.tables import read_table, write_table
from facedance.train.window import FACE_SHARE, window_side
from facedance.wan.device import room_to_encode
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import choose_device, load_vae

_LEVEL = 0.55  # where the middle of the face stands in the window, from the top: hair is higher than a chin is low

CAPTION = "a portrait photo of a person"

COLUMNS = ("portrait", "person", "status", "reason", "face_px", "sharpness", "yaw")

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class PartFiles:
    """What one part of the people is made from, and where it goes."""

    portraits: Mapping[str, Path]  # by their paths in data/people
    pose_model: Path  # MediaPipe's landmarker
    table: Path  # csv to write: a row for each portrait
    latents: Path  # safetensors to write: the accepted portraits, in the order of their rows


@dataclass(frozen=True)
class Window:
    """The head in a portrait: pictures of `side` pixels times the model's clip_scale, boxes and points in pixels of `side`."""

    image: Image
    control: Image
    box: NDArray[np.float32]  # (4,) of the face
    seen: NDArray[np.float32]  # (4,) what is no padding
    landmarks: NDArray[np.float32]  # (5, 2)


@dataclass(frozen=True)
class Portrait:
    """A portrait and what became of it; `reason` is empty for one that is used."""

    name: str
    reason: str
    facts: Mapping[str, float]
    window: Window | None = None
    embedding: Embedding | None = None


def require_licence(licence: str) -> None:
    """Raise InputError while nobody has said by what right the portraits are used."""
    if not licence.strip():
        raise InputError(
            "face_branch.licence is empty, so no portrait in data/people is opened: say there under which licence, or with whose "
            "consent, they may teach a model (the words go onto the branch's card)"
        )


def encode_part(files: PartFiles, model: Path, wan: WanModel, backend: FaceBackend, faces: Faces, poses: Poses) -> None:
    """Look at the portraits of a part: a row for each with the reason if it is not used, and the latents of the others.

    The latents hold, for N portraits, `video` (N, z, 1, h, w), `reactive` (N, z, 1, h, w), `box` and `seen` (N, 4), `landmarks`
    (N, 5, 2), `embedding` (N, D) of length 1 and `norm` (N,), and for all of them `inactive` (z, 1, h, w) and `mask`.

    Raises:
        InputError: a full GPU.
    """
    looked: list[Portrait] = []
    confidence = poses.detection_confidence
    with open_landmarker(files.pose_model, mode="image", people=1, detection_confidence=confidence) as landmarker:
        for number, (name, path) in enumerate(sorted(files.portraits.items()), 1):
            looked.append(_look(name, path, landmarker, backend, wan, faces, poses))
            _log.info("portrait %d of %d, %s: %s", number, len(files.portraits), name, looked[-1].reason or "used")
    threshold = backend.outlier_distance if faces.outlier_distance is None else faces.outlier_distance
    looked = without_strangers(looked, threshold)
    used = [portrait for portrait in looked if not portrait.reason]
    with room_to_encode(files.latents):
        tensors = _encoded(used, LatentEncoder(load_vae(model, choose_device(wan)), window_side(wan), window_side(wan)))
    save_latents(files.latents, tensors)
    rows = [
        {"portrait": p.name, "person": person_of(p.name), "status": _status(p), "reason": p.reason, **p.facts} for p in looked
    ]
    write_table(files.table, rows, COLUMNS)


def list_people(tables: Sequence[Path], out: Path) -> None:
    """Write the rows of all parts, sorted, as one table, and remove what is left over of parts that are no more.

    Raises:
        InputError: not one portrait is used.
    """
    rows = pd.concat([read_table(table) for table in tables]).sort_values("portrait")
    write_table(out, rows)
    for part in tables[0].parent.glob("[0-9]*.*"):
        if part.stem not in {table.stem for table in tables}:
            remove(part)
    used = rows[rows["status"] == "accepted"]
    kinds = Counter(reason.partition(":")[0] for reason in rows.loc[rows["status"] != "accepted", "reason"])
    left_out = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"
    _log.info("%d of %d portraits are used, of %d people; left out: %s", len(used), len(rows), used["person"].nunique(), left_out)
    if used.empty:
        raise InputError(
            f"none of the {len(rows)} portraits in data/people can be used ({left_out}): put portraits of single faces there"
        )


def head_window(photo: Image, face: Face, landmarker: Landmarker, wan: WanModel, poses: Poses) -> Window:
    """The window around the face in a photo (H, W, 3), with the pose as it is seen in head and shoulders."""
    whole, side = min(wan.clip_size(wan.sizes[0])), window_side(wan) * wan.clip_scale
    framed = frame_portrait(photo, face, FACE_SHARE, whole, whole)
    control = draw_person(landmarker.detect(framed.image), (whole, whole), wan, poses)
    middle = (framed.face[:2] + framed.face[2:]) / 2
    corner = np.clip(np.rint(middle - side * np.array([0.5, _LEVEL])), 0, whole - side).astype(int)
    x, y = corner

    def inside(points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (..., 2), or corners of a box in a row, in pixels of the window as the model sees it."""
        return ((points.reshape(-1, 2) - corner).reshape(points.shape) / wan.clip_scale).astype(np.float32)

    return Window(  # copies, as views of all portraits of a part would keep their whole pictures in memory
        image=framed.image[y : y + side, x : x + side].copy(),
        control=control[y : y + side, x : x + side].copy(),
        box=inside(framed.face).clip(0, window_side(wan)),
        seen=inside(framed.photo).clip(0, window_side(wan)),
        landmarks=inside(framed.landmarks),
    )


def without_strangers(looked: Sequence[Portrait], threshold: float) -> list[Portrait]:
    """The portraits, of which those are rejected that show somebody else than most of the same person's."""
    people: dict[str, list[Portrait]] = {}
    for portrait in looked:
        if portrait.embedding is not None:
            people.setdefault(person_of(portrait.name), []).append(portrait)
    reasons: dict[str, str] = {}
    for same in people.values():
        embeddings = [p.embedding for p in same if p.embedding is not None]
        distances = np.array([[distance(a, b) for a in embeddings] for b in embeddings])
        near, medoid = same_person(distances, threshold)
        if 2 * near.sum() <= len(same):
            what = f"no majority: {near.sum()} of {len(same)} portraits show one person and the others somebody else"
            reasons |= {p.name: what for p in same}
        else:
            reasons |= {
                p.name: f"somebody else: distance {away:.2f} from the person's other portraits, at most {threshold:g}"
                for p, away, kept in zip(same, distances[medoid], near, strict=True)
                if not kept
            }
    return [replace(p, reason=reasons.get(p.name, p.reason)) for p in looked]


def _look(
    name: str, path: Path, landmarker: Landmarker, backend: FaceBackend, wan: WanModel, faces: Faces, poses: Poses
) -> Portrait:
    try:
        seen = find_face(load_photo(path), backend, round(LOOK_BELOW * faces.min_face_px), faces.detector_score)
    except UnusablePhoto as error:
        return Portrait(name, str(error), {})
    quality = measure(seen.image, seen.face, backend)
    facts = {"face_px": quality.face_px, "sharpness": quality.sharpness, "yaw": quality.pose.yaw}
    facts = {name: round(value, 1) for name, value in facts.items()}
    if reason := defect(quality, faces):
        return Portrait(name, reason, facts)
    window = head_window(seen.image, seen.face, landmarker, wan, poses)
    return Portrait(name, "", facts, window, backend.embed(seen.image, seen.face))


def _status(portrait: Portrait) -> str:
    return "rejected" if portrait.reason else "accepted"


def _encoded(used: Sequence[Portrait], encoder: LatentEncoder) -> dict[str, Tensor]:
    rows: dict[str, list[Tensor]] = {}
    shared: dict[str, Tensor] = {}
    for portrait in used:
        window, embedding = portrait.window, portrait.embedding
        assert window is not None
        assert embedding is not None
        video, control = encoder.video(window.image[None]), encoder.control(window.control[None])
        size = len(video)
        shared = {"inactive": control[:size].half(), "mask": control[2 * size :].half()}
        row = {
            "video": video.half(),
            "reactive": control[size : 2 * size].half(),
            "box": torch.from_numpy(window.box),
            "seen": torch.from_numpy(window.seen),
            "landmarks": torch.from_numpy(window.landmarks),
            "embedding": torch.from_numpy(embedding.vector),
            "norm": torch.tensor(embedding.norm),
        }
        for name, tensor in row.items():
            rows.setdefault(name, []).append(tensor)
    return {**{name: torch.stack(tensors) for name, tensors in rows.items()}, **shared}
