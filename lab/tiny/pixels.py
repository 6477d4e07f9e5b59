"""Pictures for training the VAE: dances, photos and control videos, as the pipeline will encode them."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.faces.face import FaceBackend
from facedance.files import atomic
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.sample.traits import generator
from facedance.video.pictures import Frames
from lab.tiny.fast_vae import from_bytes
from lab.tiny.landmarks import face_landmarks
from lab.world.scene import dance, photo
from lab.world.split import training_identity, training_moves

FRAMES = 33
CROP = 64  # pixels: heads fill it, so that most of what is learned is about faces
WHITE = 255
CROPS, WHOLE = 48, 6  # in a batch
_PHOTOS = 2
_CONTROLS, _ANYWHERE, _HEADS = 0.12, 0.18, 0.45  # shares of the windows: poses, dances, heads in dances; the others are of photos
_JITTER = 6  # pixels: deviation of a window from its head
_FRAMED = 0.3  # share of the photos with white around them, as references have


def make_pixels(path: Path, identities: range, backend: FaceBackend, side: int, seed: int) -> None:
    """Write `clips`, `controls` (N, T, side, side, 3), `photos` (2 N, 1, ...) uint8, and of the clips `heads` (N, T, 4)
    and `landmarks` (N, T, 5, 2) of the faces, NaN where the recogniser finds none.
    """
    rows: dict[str, list[NDArray[np.generic]]] = {name: [] for name in ("clips", "controls", "photos", "heads", "landmarks")}
    for index in identities:
        name, traits = training_identity(index, seed)
        rng, face = generator(f"pixels {name}", seed), person(traits)
        scene = dance(dressed(face, rng), training_moves(), FRAMES, side, rng)
        rows["clips"].append(scene.frames)
        rows["controls"].append(scene.control)
        rows["heads"].append(scene.heads)
        rows["landmarks"].append(face_landmarks(scene, backend))
        rows["photos"] += [photo(face, side, rng).frames for _ in range(_PHOTOS)]
    with atomic(path) as temporary:
        save_file({name: torch.from_numpy(np.stack(values)) for name, values in rows.items()}, temporary)


class Pixels:
    """Frames and crops of the pictures, drawn at random."""

    def __init__(self, files: list[Path]) -> None:
        parts = [load_file(file) for file in files]
        self._all = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}

    def crops(self, rng: np.random.Generator) -> Tensor:
        """(CROPS, 3, 1, CROP, CROP) in [-1, 1]: heads for the most part, bodies, photos and control pictures."""
        return _tensor([self._window(rng) for _ in range(CROPS)])

    def whole(self, rng: np.random.Generator) -> Tensor:
        """(WHOLE, 3, 1, side, side) in [-1, 1]: whole frames, as the VAE's attention meets them in use."""
        kinds = ("photos", "controls", "clips", "clips")
        return _tensor([self._frame(kinds[i % len(kinds)], rng)[0] for i in range(WHOLE)])

    def dances(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Frames of dances (count, 3, 1, side, side) in [-1, 1], their heads (count, 1, 4) and landmarks (count, 1, 5, 2)."""
        clips = rng.integers(len(self._all["clips"]), size=count)
        times = rng.integers(self._all["clips"].shape[1], size=count)
        frames, heads, landmarks = (self._all[name][clips, times][:, None] for name in ("clips", "heads", "landmarks"))
        return _tensor(list(frames)), torch.from_numpy(heads), torch.from_numpy(landmarks)

    def _frame(self, kind: str, rng: np.random.Generator) -> tuple[Frames, NDArray[np.floating]]:
        """One frame (1, side, side, 3), and in dances the middle of its head."""
        i = rng.integers(len(self._all[kind]))
        t = rng.integers(self._all[kind].shape[1])
        box = self._all["heads"][i, t] if kind == "clips" else np.zeros(4)
        return self._all[kind][i, t : t + 1], (box[:2] + box[2:]) / 2

    def _window(self, rng: np.random.Generator) -> Frames:
        kind = rng.random()
        if kind < _CONTROLS:
            return _crop(self._frame("controls", rng)[0], rng.uniform(0, 1, 2), rng)
        if kind < _CONTROLS + _ANYWHERE:
            return _crop(self._frame("clips", rng)[0], rng.uniform(0, 1, 2), rng)
        if kind < _CONTROLS + _ANYWHERE + _HEADS:
            picture, middle = self._frame("clips", rng)
            corner = middle + rng.normal(0, _JITTER, 2) - CROP / 2
            return _crop(picture, corner / (picture.shape[2] - CROP), rng)
        picture, _ = self._frame("photos", rng)
        if rng.random() < _FRAMED:
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
    return from_bytes(torch.from_numpy(np.stack(crops)).permute(0, 4, 1, 2, 3))
