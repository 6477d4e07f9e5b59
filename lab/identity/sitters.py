"""The people of the benchmark: their photos, and what the faces stage and the second judge make of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from safetensors.numpy import load_file, save_file

from facedance.config.sections import Faces
from facedance.evaluate.judge import LandmarkJudge, Shape
from facedance.faces.embed import embed_photos
from facedance.faces.embedding import Embedding, distance, load_embeddings
from facedance.faces.face import FaceBackend
from facedance.faces.identity import embed_identity
from facedance.files import atomic
from facedance.sample.person import Person, person
from facedance.sample.photos import Shot, photograph
from facedance.sample.traits import generator, traits_of
from lab.identity.cast import APART, CONSENT, WORLD_SEED, folder_name, person_name

SHOTS = (
    Shot(),
    Shot((228, 112), 200, tilt=5, gain=1.08, warmth=0.03),
    Shot((226, 190), 300, size=(480, 600), tilt=-4),
    Shot((232, 140), 310, size=(640, 480), yaw=7, gain=0.92),
    Shot((218, 125), 220, yaw=-8, side_light=0.15, gain=1.05),
    Shot((226, 120), 230, tilt=-5, gain=0.95),
    Shot((215, 118), 205, tilt=6, pitch=4, warmth=-0.04),
    Shot((236, 122), 240, pitch=-4, side_light=-0.1, gain=1.05),
    Shot((224, 130), 260, yaw=4, tilt=3, warmth=0.02),
    Shot((230, 118), 215, yaw=-5, tilt=-3, gain=0.98),
    Shot((222, 160), 280, size=(480, 600), pitch=3, gain=1.03),
    Shot((229, 126), 250, side_light=0.1, warmth=-0.03),
)
"""Clean photos: other crops, light and angles, nobody else and nothing broken."""

_MIN_FACE_PX = 80  # the faces in the photos are larger
_EMBEDDING, _SHAPE = "embedding.safetensors", "shape.safetensors"


@dataclass(frozen=True)
class Sitter:
    """Somebody who has been photographed."""

    name: str
    folder: Path  # photos/*.png, and the products of the faces stage
    embedding: Embedding
    shape: Shape

    @property
    def face(self) -> Person:
        """What they are drawn from."""
        return person(traits_of(self.name, WORLD_SEED))

    @property
    def photos(self) -> tuple[Path, ...]:
        """The photos' files."""
        return tuple(_photos(self.folder))


def photograph_sitter(folder: Path, backend: FaceBackend, judge: LandmarkJudge, faces: Faces) -> None:
    """Take the photos of the person whom the folder is named after, and hand them to the faces stage and to the judge."""
    name, shapes = person_name(folder.name), []
    face = person(traits_of(name, WORLD_SEED))
    for path, shot in zip(_photos(folder), SHOTS, strict=True):
        photo = photograph(face, shot, generator(f"{name}/{path.stem}", WORLD_SEED))
        with atomic(path) as temporary:
            Pillow.fromarray(photo).save(temporary)
        if found := backend.detect(photo, _MIN_FACE_PX):
            shapes.append(judge.shape(photo, max(found, key=lambda face: face.score)))
    with atomic(folder / _SHAPE) as temporary:
        save_file({"shape": np.mean(shapes, axis=0)}, temporary)
    embed_photos(name, CONSENT, {path.name: path for path in _photos(folder)}, faces, backend, folder)
    embed_identity(name, CONSENT, folder / "photos.csv", folder / "photos.safetensors", faces, folder / _EMBEDDING)


def sitters_in(parent: Path, names: Sequence[str], backend: FaceBackend, judge: LandmarkJudge, faces: Faces) -> list[Sitter]:
    """These people, each in a folder of the parent; who is not there yet is photographed."""
    people = []
    for name in names:
        folder = parent / folder_name(name)
        if not (folder / _EMBEDDING).exists():
            photograph_sitter(folder, backend, judge, faces)
        people.append(read_sitter(folder))
    return people


def read_sitter(folder: Path) -> Sitter:
    """The person whom `photograph_sitter` left in a folder."""
    embedding = load_embeddings(folder / _EMBEDDING)["embedding"]
    return Sitter(person_name(folder.name), folder, embedding, load_file(folder / _SHAPE)["shape"])


def read_sitters(folders: Sequence[Path]) -> tuple[Sitter, ...]:
    """Several of them.

    Raises:
        ValueError: two of them are alike.
    """
    people = tuple(read_sitter(folder) for folder in folders)
    for a, b in itertools.combinations(people, 2):
        if distance(a.embedding, b.embedding) <= APART:
            raise ValueError(f"{a.name} and {b.name} are alike: {distance(a.embedding, b.embedding):.2f}, not above {APART}")
    return people


def _photos(folder: Path) -> list[Path]:
    return [folder / "photos" / f"{number}.png" for number in range(len(SHOTS))]
