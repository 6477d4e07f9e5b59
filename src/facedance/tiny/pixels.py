"""Pictures for training the VAE: dances, photos and control videos, as the pipeline will encode them."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.files import atomic
from facedance.sample.dancer import dressed
from facedance.sample.identity import person
from facedance.sample.traits import generator
from facedance.video import Frames
from facedance.world.scene import dance, photo
from facedance.world.split import training_identity, training_moves

FRAMES = 33
CROP = 64  # pixels: heads fill it, so that most of what is learned is about faces
WHITE = 255
BATCHES = ((4, 9), (2, 17), (4, 9), (1, 33))  # clips in a batch and frames in each
STILLS, PICTURES = 16, 3
_PHOTOS = 2


def make_pixels(path: Path, identities: range, side: int, seed: int) -> None:
    """Write `clips` and `controls` (N, T, side, side, 3), `photos` (2 N, 1, ...) uint8, and the clips' `heads` (N, T, 4)."""
    rows: dict[str, list[NDArray[np.generic]]] = {name: [] for name in ("clips", "controls", "photos", "heads")}
    for index in identities:
        name, traits = training_identity(index, seed)
        rng, face = generator(f"pixels {name}", seed), person(traits)
        scene = dance(dressed(face, rng), training_moves(), FRAMES, side, rng)
        rows["clips"].append(scene.frames)
        rows["controls"].append(scene.control)
        rows["heads"].append(scene.heads)
        rows["photos"] += [photo(face, side, rng).frames for _ in range(_PHOTOS)]
    with atomic(path) as temporary:
        save_file({name: torch.from_numpy(np.stack(values)) for name, values in rows.items()}, temporary)


class Pixels:
    """Crops of the pictures, drawn at random."""

    def __init__(self, files: list[Path]) -> None:
        parts = [load_file(file) for file in files]
        self._all = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}

    def clips(self, step: int, rng: np.random.Generator) -> Tensor:
        """(B, 3, T, CROP, CROP) in [-1, 1]: heads for the most part, bodies and control videos; few long or many short."""
        count, frames = BATCHES[step % len(BATCHES)]
        return _tensor([self._clip(frames, rng) for _ in range(count)])

    def stills(self, rng: np.random.Generator) -> Tensor:
        """(STILLS, 3, 1, CROP, CROP) in [-1, 1]: photos, some with white around them as references have, and clips' frames."""
        return _tensor([self._still(rng) for _ in range(STILLS)])

    def pictures(self, rng: np.random.Generator) -> Tensor:
        """(PICTURES, 3, 1, side, side) in [-1, 1]: whole frames, as the VAE's attention meets them in use."""
        chosen = rng.integers(len(self._all["clips"]), size=PICTURES)
        return _tensor([self._all["clips" if i else "photos"][n][:1] for i, n in enumerate(chosen)])

    def _clip(self, frames: int, rng: np.random.Generator) -> Frames:
        kind, i, start = rng.random(), rng.integers(len(self._all["clips"])), rng.integers(FRAMES - frames + 1)
        span = slice(start, start + frames)
        if kind < 0.12:
            return _crop(self._all["controls"][i, span], rng.uniform(0, 1, 2), rng)
        if kind < 0.3:
            return _crop(self._all["clips"][i, span], rng.uniform(0, 1, 2), rng)
        box = self._all["heads"][i, span].mean(0)
        middle = (box[:2] + box[2:]) / 2 + rng.normal(0, 6, 2)
        return _crop(self._all["clips"][i, span], (middle - CROP / 2) / (self._all["clips"].shape[2] - CROP), rng)

    def _still(self, rng: np.random.Generator) -> Frames:
        if rng.random() < 0.35:
            return self._clip(1, rng)
        picture = self._all["photos"][rng.integers(len(self._all["photos"]))]
        if rng.random() < 0.3:
            picture = picture.copy()
            top, left = rng.integers(0, 30, 2)
            picture[:, :top], picture[:, :, :left], picture[:, :, -left - 1 :] = WHITE, WHITE, WHITE
        return _crop(picture, rng.normal([0.5, 0.35], 0.25), rng)


def _crop(frames: Frames, place: NDArray[np.floating], rng: np.random.Generator) -> Frames:
    """A window at `place` (2,) between left and right, top and bottom, mirrored half of the time."""
    space = np.array([frames.shape[2], frames.shape[1]]) - CROP
    x, y = np.clip(np.round(place * space), 0, space).astype(int)
    cut: Frames = frames[:, y : y + CROP, x : x + CROP]
    return cut[:, :, ::-1] if rng.random() < 0.5 else cut


def _tensor(crops: list[Frames]) -> Tensor:
    return torch.from_numpy(np.stack(crops)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
