"""The world as the transformer learns from it: latents of scenes, and the embeddings of the people in them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.faces.face import Face, FaceBackend
from facedance.faces.reference import head_on_white
from facedance.files import atomic
from facedance.poses.landmarker import open_landmarker
from facedance.sample import portrait
from facedance.sample.dancer import dressed
from facedance.sample.person import Person, person
from facedance.sample.portrait import Points
from facedance.sample.traits import generator
from facedance.video.pictures import Frames
from facedance.wan.flow import box_mask
from lab.tiny.fast_vae import encode_normalised, from_bytes
from lab.tiny.landmarks import face_landmarks
from lab.world.estimated import estimated_control
from lab.world.scene import Scene, dance, photo, views
from lab.world.split import training_identity, training_moves
from lab.world.words import PORTRAIT, describe

STILLS = 3  # scenes of one frame a person: dances, and one photo
VIEWS = 2  # photos for the embeddings
_FACE_PX = 100  # faces in the photos are larger
_BOX_SHARE = 1.15  # side of the box that dlib gives, in widths of the jaw


def encode_world(
    vae: Any, backend: FaceBackend, pose_model: Path, identities: range, clips: range,
    *, frames: int, side: int, seed: int, path: Path,
) -> None:  # fmt: skip
    """Write what training needs of the people `identities`, and a dance of `frames` frames of those in `clips`, as float16.

    `still/...` (3 N), `clip/...` (M): `video` (z, T', h, w), `control` (z, T', h, w) with made-up noise in the pose, `estimated`
    (z, T', h, w) with the pose that the landmarker sees, `head` (1, T', h, w) in [0, 1], `landmarks` (T', 5, 2) of the face in
    pixels, `person`, `prompt` (indices); `reference` (N, z, 1, h, w); `embedding` (N, VIEWS, D) of length 1. The prompts stand
    in the metadata.
    """
    rows: dict[str, list[Tensor]] = {}
    prompts: dict[str, int] = {}

    def add(kind: str, scene: Scene, prompt: str, index: int) -> None:
        video = latents_of(vae, scene.frames)
        values = {
            "video": video.half(),
            "control": latents_of(vae, scene.control).half(),
            "estimated": latents_of(vae, estimated_control(scene, finder, pose_model)).half(),
            "head": box_mask(scene.heads, (side, side), (video.shape[1], video.shape[2], video.shape[3])).half(),
            "landmarks": torch.from_numpy(face_landmarks(scene, backend)),
            "person": torch.tensor(index - identities.start),
            "prompt": torch.tensor(prompts.setdefault(prompt, len(prompts))),
        }
        for name, value in values.items():
            rows.setdefault(f"{kind}/{name}", []).append(value)

    with open_landmarker(pose_model, "image") as finder:
        for index in identities:
            name, traits = training_identity(index, seed)
            rng, face = generator(f"latents {name}", seed), person(traits)
            rows.setdefault("embedding", []).append(torch.from_numpy(embeddings_of(face, backend, rng)))
            rows.setdefault("reference", []).append(latents_of(vae, reference_picture(face, side, rng)).half())
            for _ in range(STILLS - 1):
                who = dressed(face, rng)
                add("still", dance(who, training_moves(), 1, side, rng), describe(who), index)
            add("still", photo(face, side, rng), PORTRAIT, index)
            if index in clips:
                who = dressed(face, rng)
                add("clip", dance(who, training_moves(), frames, side, rng), describe(who), index)
    with atomic(path) as temporary:
        tensors = {name: torch.stack(values).contiguous() for name, values in rows.items()}
        save_file(tensors, temporary, metadata={"facedance": json.dumps({"prompts": list(prompts)})})


@dataclass(frozen=True)
class World:
    """The latents of all people; a prompt's index goes into `prompts`, a person's into `reference` and `embedding`."""

    tensors: dict[str, Tensor]
    prompts: tuple[str, ...]


def read_world(files: list[Path]) -> World:
    """The parts that `encode_world` wrote, as one."""
    prompts: dict[str, int] = {}
    parts: dict[str, list[Tensor]] = {}
    people = 0
    for file in files:
        with safe_open(file, framework="pt") as opened:
            own = json.loads(opened.metadata()["facedance"])["prompts"]
        places = torch.tensor([prompts.setdefault(prompt, len(prompts)) for prompt in own])
        tensors = load_file(file)
        for name, tensor in tensors.items():
            moved = places[tensor] if name.endswith("/prompt") else tensor + people if name.endswith("/person") else tensor
            parts.setdefault(name, []).append(moved)
        people += len(tensors["embedding"])
    return World({name: torch.cat(values) for name, values in parts.items()}, tuple(prompts))


def reference_picture(face: Person, side: int, rng: np.random.Generator) -> Frames:
    """A photo's head on white (1, side, side, 3)."""
    ((picture, features),) = views(face, 1, rng)
    return head_on_white(picture, known_face(features), side)[None]


def latents_of(vae: Any, frames: Frames) -> Tensor:
    """Normalised latents (z, T', h, w)."""
    return normalised(vae, from_bytes(torch.from_numpy(frames).permute(3, 0, 1, 2)[None]))


@torch.no_grad()
def normalised(vae: Any, video: Tensor) -> Tensor:
    return encode_normalised(vae, video)[0]


def embeddings_of(face: Person, backend: FaceBackend, rng: np.random.Generator) -> NDArray[np.float32]:
    vectors = []
    for picture, features in views(face, VIEWS, rng):
        found = backend.detect(picture, _FACE_PX)
        vectors.append(backend.embed(picture, found[0] if found else known_face(features)).vector)
    return np.stack(vectors)


def known_face(features: Points) -> Face:
    """The face with these 68 features (68, 2) as dlib's detector would give it."""
    jaw = features[portrait.JAW]
    half = _BOX_SHARE / 2 * np.ptp(jaw[:, 0])
    middle = features.mean(0)
    corners = features[[45, 42, 36, 39, 33]]  # in the order of dlib's five-point predictor
    return Face(np.hstack([middle - half, middle + half]).astype(np.float32), 1.0, corners.astype(np.float32))


def inactive_latents(vae: Any, frames: int, side: int) -> Tensor:
    """Latents (z, T', h, w) of VACE's inactive half where all is to be generated: a grey video."""
    return normalised(vae, torch.zeros(1, 3, frames, side, side))
