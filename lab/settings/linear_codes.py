"""How many numbers must a latent hold for a face to be found and recognised? The best linear codes, and the tiny model's VAE.

usage: python -m lab.settings.linear_codes   (after `snakemake --cores all models`; some 4 minutes on 2 cores)

A code of N numbers for blocks of 8 x 8 pixels and T frames is the first N principal components of dances that training may see.
It is tried on dances of people and moves that training never sees: PSNR around heads, and what dlib makes of the faces.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facedance.evaluate.sight import surest_face
from facedance.faces.dlib_backend import DlibBackend
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.sample.traits import generator, traits_of
from facedance.wan.load import load_vae
from lab.identity.cast import NAMES
from lab.tiny.fast_vae import decode, encode
from lab.world.scene import Scene, dance, views
from lab.world.split import HELDOUT_MOVES, training_identity, training_moves

ROOT = Path(__file__).parents[2]
SIDE, FRAMES, BLOCK, WINDOW = 128, 17, 8, 64
TRAINING, PEOPLE, EVERY = 160, 12, 3
CODES = ((4, (64, 96, 128)), (2, (48, 64, 96)), (1, (32, 48, 64)))

Pictures = NDArray[np.float32]


def main() -> None:
    """Print a row for each code."""
    training = np.stack([_around_head(_training_scene(i)) for i in range(TRAINING)])
    people = [person(traits_of(name, 0)) for name in NAMES[:PEOPLE]]
    scenes = []
    for name, who in zip(NAMES[:PEOPLE], people, strict=True):
        rng = generator(f"codes {name}", 0)
        scenes.append(dance(dressed(who, rng), HELDOUT_MOVES, FRAMES, SIDE, rng))
    backend = DlibBackend(ROOT / "models" / "faces" / "dlib")
    targets = []
    for who in people:
        photos = [(picture, backend.detect(picture, 100)) for picture, _ in views(who, 4, np.random.default_rng(0))]
        targets.append(np.mean([backend.embed(picture, found[0]).raw for picture, found in photos if found], axis=0))
    whole = np.stack([scene.frames for scene in scenes]).astype(np.float32)
    print("| frames in a block | numbers | PSNR of heads, dB | detected | distance to self |\n| --- | --- | --- | --- | --- |")
    print(f"| the pictures themselves | | | {_seen(whole, targets, backend)} |")
    for frames, sizes in CODES:
        samples = _blocks(training[:, 1:], frames)
        mean = samples.mean(0)
        _, _, components = np.linalg.svd(np.cov((samples - mean).T))
        for size in sizes:
            basis = components[:size]
            coded = whole.copy()
            blocks = _blocks(whole[:, 1:], frames) - mean
            coded[:, 1:] = _pictures(blocks @ basis.T @ basis + mean, coded[:, 1:].shape, frames)
            print(f"| {frames} | {size} | {_psnr(scenes, coded):.1f} | {_seen(coded, targets, backend)} |", flush=True)
    vae = load_vae(ROOT / "models" / "tiny", torch.device("cpu"))
    coded = np.stack([_through(vae, video) for video in whole])
    print(f"| the VAE | {vae.config.z_dim} | {_psnr(scenes, coded):.1f} | {_seen(coded, targets, backend)} |")


@torch.no_grad()
def _through(vae: Any, video: Pictures) -> Pictures:
    """A video (T, H, W, 3) encoded and decoded."""
    given = torch.from_numpy(video).permute(3, 0, 1, 2)[None] / 127.5 - 1
    decoded: Pictures = ((decode(vae, encode(vae, given)[0])[0].permute(1, 2, 3, 0) + 1) * 127.5).numpy()
    return decoded


def _psnr(scenes: list[Scene], coded: Pictures) -> float:
    """Of the heads, dB; without the first frame, which codes of several frames leave alone."""
    errors = [_around_head(scene, frames) - _around_head(scene) for scene, frames in zip(scenes, coded, strict=True)]
    return float(10 * np.log10(255**2 / np.square(np.stack(errors)[:, 1:]).mean()))


def _training_scene(index: int) -> Scene:
    name, traits = training_identity(index, 0)
    rng = generator(f"codes {name}", 0)
    return dance(dressed(person(traits), rng), training_moves(), FRAMES, SIDE, rng)


def _around_head(scene: Scene, frames: Pictures | None = None) -> Pictures:
    """A window (T, WINDOW, WINDOW, 3) around where the head is on the whole."""
    box = scene.heads.mean(0)
    x, y = np.clip(np.round((box[:2] + box[2:] - WINDOW) / 2), 0, SIDE - WINDOW).astype(int)
    shown = scene.frames if frames is None else frames
    return shown[:, y : y + WINDOW, x : x + WINDOW].astype(np.float32)


def _blocks(videos: Pictures, frames: int) -> Pictures:
    """Blocks (N, frames * 8 * 8 * 3) of videos (B, T, H, W, 3)."""
    b, t, h, w, c = videos.shape
    parts = videos.reshape(b, t // frames, frames, h // BLOCK, BLOCK, w // BLOCK, BLOCK, c)
    return parts.transpose(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, frames * BLOCK * BLOCK * c)


def _pictures(blocks: Pictures, shape: tuple[int, ...], frames: int) -> Pictures:
    """The videos that `_blocks` took apart."""
    b, t, h, w, c = shape
    parts = blocks.reshape(b, t // frames, h // BLOCK, w // BLOCK, frames, BLOCK, BLOCK, c)
    return parts.transpose(0, 1, 4, 2, 5, 3, 6, 7).reshape(shape)


def _seen(videos: Pictures, targets: list[NDArray[np.float32]], backend: DlibBackend) -> str:
    """Share of frames with a face, and the mean distance of those to the person."""
    distances, looked = [], 0
    for video, target in zip(videos, targets, strict=True):
        for frame in video[1::EVERY].round().clip(0, 255).astype(np.uint8):
            picture = cv2.resize(frame, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC)
            looked += 1
            if (face := surest_face(picture, backend)) is not None:
                distances.append(np.linalg.norm(backend.embed(picture, face).raw - target))
    return f"{len(distances) / looked:.2f} | {np.mean(distances):.3f}"


if __name__ == "__main__":
    main()
