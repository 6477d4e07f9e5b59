"""What makes people differ, drawn from their names.

`Traits()` is the person in the portrait; every number is a departure from her.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

EILEEN = "eileen"

Colour = tuple[float, float, float]
"""Red, green, blue in 0..255."""

_CAST = {"nora": 18, "stranger": 517, "d04": 298, "d11": 340, "d17": 187, "d20": 219, "d02": 127, "d29": 359}
"""Seeds of the faces of people who appear by default, chosen to be more than 0.6 apart in dlib's measure, in photos and in
videos. Of faces drawn freely every third pair is nearer than that."""

_HAIR: tuple[Colour, ...] = ((28, 22, 20), (70, 44, 28), (120, 62, 30), (196, 160, 100), (150, 150, 155), (24, 26, 34))
_SKIN: tuple[Colour, ...] = ((1.03, 1.0, 1.0), (0.95, 0.9, 0.83), (0.86, 0.75, 0.64), (0.74, 0.6, 0.5), (0.62, 0.49, 0.41))
_IRIS: tuple[Colour, ...] = ((60, 40, 20), (40, 90, 140), (50, 110, 60), (30, 25, 20))


@dataclass(frozen=True)
class Traits:
    """How a person departs from the portrait: shifts in pixels of the portrait, sizes as factors, colours as given."""

    eye_size: float = 1.0
    eye_spacing: float = 0.0
    eye_slant: float = 0.0
    eye_drop: float = 0.0
    brow_raise: float = 0.0
    nose_width: float = 1.0
    nose_length: float = 0.0
    mouth_width: float = 1.0
    mouth_open: float = 1.0
    mouth_drop: float = 0.0
    smile: float = 0.0
    jaw_width: float = 1.0
    chin_length: float = 0.0
    hair_volume: float = 1.0
    hair: Colour = (110.0, 80.0, 50.0)
    brow_thickness: float = 0.0
    beard: str = "none"
    glasses: bool = False
    skin: Colour = (1.0, 1.0, 1.0)
    iris: Colour = (60.0, 50.0, 40.0)
    clothes_hue: float = 0.0


def traits_of(name: str, seed: int) -> Traits:
    """Traits of the person with this name: eileen's are the portrait's own, anybody else's are drawn from name and seed.

    Those who appear by default look the same for every seed, so that they stay distinct.
    Shapes keep away from the average, because a recogniser tells people apart by what is unusual about them.
    """
    if name == EILEEN:
        return Traits()
    rng = generator(str(_CAST[name]), 0) if name in _CAST else generator(name, seed)

    def away(reach: float) -> float:
        return float(rng.choice([-1, 1]) * rng.uniform(0.55, 1.0) * reach)

    return Traits(
        eye_size=1.05 + away(0.22),
        eye_spacing=away(5.5) - 1.5,
        eye_slant=away(3.8),
        eye_drop=away(3.0) - 1.0,
        brow_raise=away(2.0) + 1.0,
        nose_width=1 + away(0.35),
        nose_length=away(6.0),
        mouth_width=1 + away(0.25),
        mouth_open=float(rng.choice([0.1, 0.6, 1.3])),
        mouth_drop=away(3.0) + 1.0,
        smile=away(3.5),
        jaw_width=1 + away(0.12),
        chin_length=away(8.0),
        hair_volume=float(rng.uniform(0.84, 1.04)),
        hair=_HAIR[rng.integers(len(_HAIR))],
        brow_thickness=float(rng.uniform(2.0, 6.0)),
        beard=str(rng.choice(["none", "none", "full", "moustache"])),
        glasses=bool(rng.random() < 0.25),
        skin=_SKIN[rng.integers(len(_SKIN))],
        iris=_IRIS[rng.integers(len(_IRIS))],
        clothes_hue=float(rng.uniform(0.12, 0.88)),
    )


def generator(name: str, seed: int) -> np.random.Generator:
    """A generator that is its own for each name and seed."""
    return np.random.default_rng(int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:16], 16))
