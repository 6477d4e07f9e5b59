"""The people of the benchmark: nobody that the model was trained on, and no two of them alike."""

import itertools
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from facedance.evaluate.judge import LandmarkJudge, Shape
from facedance.faces.embed import embed_identity
from facedance.faces.embedding import Embedding, distance, load_embeddings
from facedance.faces.face import FaceBackend, Image
from facedance.files import atomic
from facedance.sample.identity import Person, person
from facedance.sample.photos import Shot, photograph
from facedance.sample.traits import EILEEN, generator, traits_of
from facedance.sections import Faces
from facedance.wan.encoder import read_picture

APART = 0.6
"""Two people are this far apart in dlib's measure, below which it takes them for one."""

WORLD_SEED = 0
"""Of faces and clothes: the people are the same in every run."""

NAMES = (EILEEN, *(f"heldout {i}" for i in (11, 29, 49, 58, 73, 87, 117, 119, 133, 191, 277, 288, 293, 297, 346)))
"""The portrait's own person, and of "heldout 0" to "heldout 398" as many as were found of whom no two are alike.

To take them in order, leaving out who is like somebody before, gives only 12 of the first 550: all faces are made from one
portrait, so there is not room for many. They were chosen by these distances alone, before anything was rendered of them.
"""

CONSENT = "public-domain"

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


@dataclass(frozen=True)
class Sitter:
    """Somebody whose photos were taken, and what the faces stage and the second judge made of them."""

    name: str
    face: Person
    photos: tuple[Path, ...]
    folder: Path  # photos.csv, reference.png and the rest of the faces stage
    embedding: Embedding
    shape: Shape

    @property
    def reference(self) -> Image:
        """The head on white (H, W, 3)."""
        return read_picture(self.folder / "reference.png")


def find_people(count: int, backend: FaceBackend, judge: LandmarkJudge, faces: Faces, folder: Path) -> tuple[Sitter, ...]:
    """The first `count` of `NAMES`, each with photos and products in a subfolder of `folder`.

    Raises:
        ValueError: two of them are alike.
    """
    people = []
    for name in NAMES[:count]:
        people.append(_sit(name, backend, judge, faces, folder / name.replace(" ", "_")))
        logging.getLogger("facedance").info("person %d of %d: %s", len(people), count, name)
    for a, b in itertools.combinations(people, 2):
        if distance(a.embedding, b.embedding) <= APART:
            raise ValueError(f"{a.name} and {b.name} are alike: {distance(a.embedding, b.embedding):.2f}, not above {APART}")
    return tuple(people)


def _sit(name: str, backend: FaceBackend, judge: LandmarkJudge, faces: Faces, folder: Path) -> Sitter:
    """Take the photos and hand them to the faces stage."""
    face, paths, shapes = person(traits_of(name, WORLD_SEED)), [], []
    for number, shot in enumerate(SHOTS):
        photo = photograph(face, shot, generator(f"{name}/{number}", WORLD_SEED))
        paths.append(folder / "photos" / f"{number}.png")
        with atomic(paths[-1]) as temporary:
            Pillow.fromarray(photo).save(temporary)
        if found := backend.detect(photo, _MIN_FACE_PX):
            shapes.append(judge.shape(photo, max(found, key=lambda face: face.score)))
    embed_identity(name, CONSENT, paths, faces, backend, folder)
    embedding = load_embeddings(folder / "embedding.safetensors")["embedding"]
    return Sitter(name, face, tuple(paths), folder, embedding, np.mean(shapes, axis=0))
