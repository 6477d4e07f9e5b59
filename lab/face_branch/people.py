"""Portraits of drawn people in a folder like data/people, with damaged files and pictures of nobody among them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from facedance.files import atomic
from facedance.sample.person import Person, person
from facedance.sample.photos import Shot, photograph
from facedance.sample.portrait import Image
from facedance.sample.traits import generator, traits_of
from lab.world.split import heldout_kind

SEED = 0
BAD_EVERY = 33  # good portraits to a bad one
_QUALITY = 93


def draw_people(folder: Path, people: int, photos: int) -> None:
    """Write `photos` portraits each of so many people to `folder`/<person>/, and a bad file after every BAD_EVERY of them.

    Nobody of them is in the tiny model's world. Where the folder has a portrait already, it stays.
    """
    for number in range(people):
        name, subject = _nobody_known(number)
        for index in range(photos):
            portrait = folder / name / f"{index}.jpg"
            if not portrait.exists():
                _write(portrait, _jpeg(photograph(subject, _shot(generator(f"{name}/{index}", SEED)), generator(name, index))))
            count = number * photos + index
            if count % BAD_EVERY == BAD_EVERY - 1:
                kind, content = BAD[count // BAD_EVERY % len(BAD)]
                _write(folder / f"{kind} {count}.jpg", content(portrait.read_bytes()))


def _nobody_known(number: int) -> tuple[str, Person]:
    """A person whose name begins with other words than those of the world, and whose face is of a kind to train on."""
    for attempt in range(100):
        name = f"portrait {number}.{attempt}"
        traits = traits_of(name, SEED)
        if not heldout_kind(traits):
            return f"portrait_{number:04d}", person(traits)
    raise ValueError(f"no face to train on among 100 names of person {number}; allowed are all but glasses with a full beard")


def _shot(rng: np.random.Generator) -> Shot:
    """Head and shoulders."""
    return Shot(
        centre=(226 + rng.uniform(-12, 12), 150 + rng.uniform(-15, 20)),
        width=rng.uniform(240, 330),
        size=(384, 384),
        tilt=rng.uniform(-6, 6),
        gain=rng.uniform(0.88, 1.08),
        warmth=rng.uniform(-0.04, 0.06),
    )


def _jpeg(picture: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _of_nobody(good: bytes) -> bytes:
    """The upper left corner, which is a wall, in as many pixels."""
    with Pillow.open(io.BytesIO(good)) as image:
        return _jpeg(np.asarray(image.crop((0, 0, 60, 60)).resize(image.size)))


def _of_two(good: bytes) -> bytes:
    """The same picture beside itself."""
    with Pillow.open(io.BytesIO(good)) as image:
        return _jpeg(np.hstack([np.asarray(image), np.asarray(image)]))


BAD: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("cut off", lambda good: good[: len(good) // 3]),
    ("nobody", _of_nobody),
    ("empty", lambda good: b""),
    ("two", _of_two),
    ("text", lambda good: b"this is no picture"),
)
"""Kinds of bad files, each made of a good one's bytes."""


def _write(path: Path, content: bytes) -> None:
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(content)
