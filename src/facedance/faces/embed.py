"""From a folder of photos of one person to those that can be used, and the embedding of each."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as Pillow
from skimage.util import montage

from facedance.config.sections import Faces
from facedance.faces.copies import Look, copies
from facedance.faces.embedding import Embedding, distance, save_embeddings
from facedance.faces.face import FaceBackend, Image
from facedance.faces.find import find_face
from facedance.faces.photos import UnusablePhoto, load_photo
from facedance.faces.quality import Quality, defect, measure, weight
from facedance.faces.reference import head_on_white
from facedance.faces.select import same_person
from facedance.files import atomic, sha256
from facedance.tables import write_table
from facedance.workers import Broken, in_workers

ADVISED_PHOTOS = (10, 15)
MANY_PHOTOS = 20

LOOK_BELOW = 0.75
"""Of the least size: looking for smaller faces too tells a face that is too small from none at all."""

_CROP = 160  # pixels: side of a face on the contact sheet
_REFERENCE = 512  # pixels: side of the reference image


@dataclass(frozen=True)
class Found:
    """The face that was found in a photo."""

    crop: Image  # (_CROP, _CROP, 3) aligned
    head: Image  # (_REFERENCE, _REFERENCE, 3) on white
    quality: Quality
    embedding: Embedding
    look: Look
    turn: int  # degrees by which the photo was turned, clockwise


@dataclass(frozen=True)
class Photo:
    """A photo and what became of it; `reason` is empty while nothing speaks against it."""

    name: str
    found: Found | None
    reason: str
    distance: float | None = None  # from the medoid of the photos
    weight: float | None = None  # of the accepted ones, together 1


def embed_photos(
    identity: str, consent: str, photos: Mapping[str, Path], params: Faces, backend: FaceBackend, folder: Path
) -> None:
    """Write photos.csv, photos.safetensors, reference.png and crops.png of one person to `folder`.

    photos.csv names each photo with the reason if it is rejected; the others hold what is accepted, however little that is:
    `facedance.faces.identity` says whether it is enough. Without any the pictures are white. `photos` are paths by the names
    that they get there.
    """
    log = logging.getLogger("facedance")
    if len(photos) > MANY_PHOTOS:
        low, high = ADVISED_PHOTOS
        log.warning("%s: %d photos are more than needed; %d to %d good ones give as much", identity, len(photos), low, high)
    threshold = backend.outlier_distance if params.outlier_distance is None else params.outlier_distance
    examined = _compared(_once(_examine_all(photos, params, backend)), threshold)
    for odd in (p for p in examined if p.reason and p.distance is not None):
        log.info("%s: %s", odd.name, odd.reason)
    accepted = [p for p in examined if not p.reason]
    _write_table(examined, folder / "photos.csv")
    log.info("%s: %d photos, %d of them accepted", identity, len(photos), len(accepted))
    if len(accepted) < ADVISED_PHOTOS[0]:
        log.info("%s: %d to %d photos would be steadier than %d", identity, *ADVISED_PHOTOS, len(accepted))

    found = {p.name: p.found for p in examined if p.found and not p.reason}
    metadata = {"identity": identity, "consent": consent, "backend": backend.name}
    save_embeddings(folder / "photos.safetensors", {name: f.embedding for name, f in found.items()}, metadata)
    best = max(accepted, key=lambda p: p.weight or 0.0, default=None)
    _write_image(found[best.name].head if best else _white(_REFERENCE), folder / "reference.png")
    crops = np.stack([f.crop for f in found.values()] or [_white(_CROP)])  # (N, _CROP, _CROP, 3)
    columns = min(5, len(crops))
    grid = (-(-len(crops) // columns), columns)
    sheet = montage(crops, fill=(255,) * 3, padding_width=4, grid_shape=grid, channel_axis=-1)
    _write_image(sheet, folder / "crops.png")


def _examine_all(paths: Mapping[str, Path], params: Faces, backend: FaceBackend) -> list[Photo]:
    """Each photo by itself: what is in it, and whether it is good enough."""
    log = logging.getLogger("facedance")
    first_with: dict[str, str] = {}  # digest of the content -> name of the photo
    examined = []
    # Only decoded by a worker: the recogniser's threads would not survive the fork.
    for i, ((name, path), image) in enumerate(in_workers(_decoded, sorted(paths.items()), workers=1), 1):
        found = None
        try:
            if isinstance(image, Broken):
                raise UnusablePhoto(f"damaged image: {image.how}")
            if isinstance(image, str):
                raise UnusablePhoto(image)
            first = first_with.setdefault(sha256(path), name)
            if first != name:
                raise UnusablePhoto(f"duplicate: same content as {first}")
            found = _find(image, params, backend, path.stat().st_size)
            reason = defect(found.quality, params) or ""
        except UnusablePhoto as error:
            reason = str(error)
        how = f", turned by {found.turn} degrees" if found and found.turn else ""
        log.info("photo %d of %d, %s: %s%s", i, len(paths), name, reason or "usable", how)
        examined.append(Photo(name, found, reason))
    return examined


def _decoded(photos: Sequence[tuple[str, Path]]) -> Iterator[Image | str]:
    """Photos, or why they cannot be used."""
    for _, path in photos:
        try:
            yield load_photo(path)
        except UnusablePhoto as error:
            yield str(error)


def _find(image: Image, params: Faces, backend: FaceBackend, file_bytes: int) -> Found:
    seen = find_face(image, backend, round(LOOK_BELOW * params.min_face_px), params.detector_score)
    return Found(
        crop=backend.align(seen.image, seen.face, _CROP),
        head=head_on_white(seen.image, seen.face, _REFERENCE),
        quality=measure(seen.image, seen.face, backend),
        embedding=backend.embed(seen.image, seen.face),
        look=Look.at(seen.image, seen.face, file_bytes),
        turn=seen.turn,
    )


def _once(photos: Sequence[Photo]) -> list[Photo]:
    """The good photos without copies of each other."""
    log = logging.getLogger("facedance")
    copied = copies({p.name: p.found.look for p in photos if p.found and not p.reason})
    for name, original in copied.items():
        log.info("%s: the same photo as %s", name, original)
    reasons = {name: f"duplicate: the same photo as {original}" for name, original in copied.items()}
    return [replace(p, reason=reasons.get(p.name, p.reason)) for p in photos]


def _compared(photos: Sequence[Photo], threshold: float) -> list[Photo]:
    """The good photos compared with each other: distances, somebody else's rejected, the rest weighted."""
    good = [(p, p.found) for p in photos if p.found and not p.reason]
    if not good:
        return list(photos)
    distances = np.array([[distance(a.embedding, b.embedding) for _, b in good] for _, a in good])  # (N, N)
    same, medoid = same_person(distances, threshold)
    majority = 2 * same.sum() > len(good)
    total = sum(weight(found.quality) for (_, found), kept in zip(good, same, strict=True) if kept)
    compared = {}
    for (photo, found), kept, away in zip(good, same, distances[medoid].tolist(), strict=True):
        if not majority:
            reason = f"no majority: {same.sum()} of {len(good)} photos show one person and the others somebody else"
        elif not kept:
            reason = f"somebody else: distance {away:.2f} from the other photos, at most {threshold:g}"
        else:
            reason = ""
        share = None if reason else weight(found.quality) / total
        compared[photo.name] = replace(photo, reason=reason, distance=away, weight=share)
    return [compared.get(p.name, p) for p in photos]


def _write_table(photos: Sequence[Photo], path: Path) -> None:
    rows = []
    for p in photos:
        q = p.found.quality if p.found else None
        rows.append(
            {
                "photo": p.name,
                "status": "rejected" if p.reason else "accepted",
                "reason": p.reason,
                "face_px": q and round(q.face_px, 1),
                "sharpness": q and round(q.sharpness, 1),
                "score": q and round(q.score, 3),
                "yaw": q and round(q.pose.yaw, 1),
                "pitch": q and round(q.pose.pitch, 1),
                "roll": q and round(q.pose.roll, 1),
                "turn": p.found and p.found.turn,
                "distance": None if p.distance is None else round(p.distance, 4),
                "weight": p.weight,  # in full: the identity embedding is made with it
            }
        )
    columns = ["photo", "status", "reason", "face_px", "sharpness", "score", "yaw", "pitch", "roll", "turn", "distance", "weight"]
    write_table(path, pd.DataFrame(rows, columns=columns).astype({"turn": "Int64"}))


def _white(side: int) -> Image:
    return np.full((side, side, 3), 255, np.uint8)


def _write_image(image: Image, path: Path) -> None:
    with atomic(path) as temporary:
        Pillow.fromarray(image).save(temporary)
