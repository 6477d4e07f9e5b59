"""People made from one portrait."""

from dataclasses import dataclass

import numpy as np

from facedance.sample import portrait
from facedance.sample.portrait import Image, Points
from facedance.sample.repaint import repaint, warp
from facedance.sample.traits import Colour, Traits


@dataclass(frozen=True)
class Person:
    """A portrait (512, 512, 3), the 68 features and the outline of the hair on it, and the colour of the skin."""

    image: Image
    features: Points
    hair: Points
    skin: Colour

    @property
    def middle(self) -> Points:
        """Middle (2,) of the head."""
        middle: Points = (self._outline.min(0) + self._outline.max(0)) / 2
        return middle

    @property
    def radius(self) -> Points:
        """Half the width and height (2,) of the head."""
        radius: Points = (self._outline.max(0) - self._outline.min(0)) / 2
        return radius

    @property
    def _outline(self) -> Points:
        return np.vstack([self.hair, self.features[portrait.JAW]])


def person(traits: Traits) -> Person:
    """The portrait of somebody with these traits."""
    features = np.array(portrait.FEATURES, np.float32)
    hair = np.array(portrait.HAIR, np.float32)
    moved = _shape(features, traits)
    centre = features[portrait.JAW].mean(0)
    moved_hair = centre + (hair - centre) * (1 + (traits.hair_volume - 1) * np.array([1, 0.8], np.float32))
    image = portrait.load()
    if traits != Traits():
        image = warp(image, np.vstack([features, hair]), np.vstack([moved, moved_hair]))
        image = repaint(image, moved, moved_hair, traits)
    # A cheek lies half way between the nostrils and the jaw.
    cheeks = [image[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] for x, y in (moved[[31, 35]] + moved[[3, 13]]) / 2]
    red, green, blue = np.mean(cheeks, axis=(0, 1, 2))
    return Person(image, moved, moved_hair, (float(red), float(green), float(blue)))


def _shape(features: Points, t: Traits) -> Points:
    p = features.copy()
    for side, eye, brow in zip((-1, 1), portrait.EYES, portrait.BROWS, strict=True):
        middle = p[eye].mean(0)
        along = (p[eye, 0] - middle[0]) * side  # grows outwards
        p[eye] = middle + (p[eye] - middle) * t.eye_size
        p[eye] += np.stack([np.full(6, side * t.eye_spacing), -t.eye_slant * along / 8], 1)
        p[eye, 1] += t.eye_drop
        p[brow] += [side * t.eye_spacing * 0.8, t.eye_drop - t.brow_raise]
    nose = p[portrait.NOSE]
    nose[:, 0] = nose[:, 0].mean() + (nose[:, 0] - nose[:, 0].mean()) * t.nose_width
    nose[:, 1] += t.nose_length * np.linspace(0, 1, 9).clip(0, 0.5) * 2
    p[portrait.NOSE] = nose
    mouth = p[portrait.MOUTH]
    middle = mouth.mean(0)
    mouth[:, 0] = middle[0] + (mouth[:, 0] - middle[0]) * t.mouth_width
    mouth[:, 1] = middle[1] + (mouth[:, 1] - middle[1]) * (0.55 + 0.45 * t.mouth_open) + t.mouth_drop
    mouth[:, 1] += t.smile * (0.5 - np.abs(mouth[:, 0] - middle[0]) / 22)
    p[portrait.MOUTH] = mouth
    p[portrait.TEETH, 1] = p[portrait.TEETH, 1].mean() + (p[portrait.TEETH, 1] - p[portrait.TEETH, 1].mean()) * t.mouth_open
    jaw = p[portrait.JAW]
    jaw[:, 0] = 226 + (jaw[:, 0] - 226) * (1 + (t.jaw_width - 1) * np.sin(np.linspace(0, np.pi, 17)))
    jaw[:, 1] += t.chin_length * np.sin(np.linspace(0, np.pi, 17)) ** 2
    p[portrait.JAW] = jaw
    return p
