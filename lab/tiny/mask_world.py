"""The world once more for learning masks: latents of clips that go on, of regions that are made anew, and of two dancers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from facedance.faces.face import FaceBackend
from facedance.files import atomic
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.sample.dancer import Dancer, dressed
from facedance.sample.motion import Move
from facedance.sample.person import Person, person
from facedance.sample.traits import generator
from facedance.video.pictures import Frames
from facedance.wan.flow import box_mask
from lab.tiny.conditions import masked_control
from lab.tiny.fast_vae import decode_normalised, from_bytes, to_bytes
from lab.tiny.landmarks import face_landmarks
from lab.tiny.recipe import TinyMaskWorld
from lab.tiny.world_latents import STILLS, embeddings_of, latents_of, normalised, reference_picture
from lab.world.duet import drawn_together, duet
from lab.world.estimated import estimated_control, estimated_poses, filled, poses_together
from lab.world.regions import Mask, close_up, head_region
from lab.world.scene import OVERSAMPLING, Scene, dance, photo, uncertain
from lab.world.split import training_identity, training_moves
from lab.world.words import PORTRAIT, describe, describe_pair

EARLIER = (4, 40)  # frames: how long before a clip its anchor is
HEADS = (0.2, 0.42)  # heights of the heads that are seen in a close-up; the world's is the larger one
_APART = 0.8  # of a head's width: nearer heads hide each other
_SOFT = 1.0  # latent pixels over which a region gives way to the other dancer's


@dataclass
class Rows:
    """Tensors by name, one for each scene, and the prompts."""

    tensors: dict[str, list[Tensor]] = field(default_factory=dict)
    prompts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, prompt: str, values: dict[str, Tensor]) -> None:
        values = values | {"prompt": torch.tensor(self.prompts.setdefault(prompt, len(self.prompts)))}
        for name, value in values.items():
            precise = name == "landmarks" or not value.is_floating_point()
            self.tensors.setdefault(f"{kind}/{name}", []).append(value if precise else value.half())

    def write(self, path: Path) -> None:
        """Write them, the prompts as metadata."""
        tensors = {name: torch.stack(values).contiguous() for name, values in self.tensors.items()}
        with atomic(path) as temporary:
            save_file(tensors, temporary, metadata={"facedance": json.dumps({"prompts": list(self.prompts)})})


@dataclass(frozen=True)
class Eyes:
    """Who looks at the scenes, and the VAE that encodes them."""

    vae: Any
    backend: FaceBackend
    pose_model: Path
    one: Landmarker
    two: Landmarker


def encode_masks(
    vae: Any, backend: FaceBackend, pose_model: Path, identities: range, dancers: range, world: TinyMaskWorld, path: Path
) -> None:
    """Write what the training needs of people, as float16; `dancers` are those of them of whom there are clips.

    As `encode_world` has it: `still/...`, `clip/...`, `reference`, `embedding`. A clip has an `anchor` (z, 1, h, w) besides.
    `region/...` and `close/...` have `video`, `inactive`, `reactive` (z, T', h, w), `mask` (S, T', h, w) uint8, `head`,
    `landmarks`, `person`, `prompt`. `duet/...` has `video`, `control`, `estimated`, `head` of both, and for each of the two
    `landmarks` (2, T', 5, 2), `region` (2, T', h, w) in [0, 1], `person` (2,).
    """
    rows = Rows()
    people = {index: _person(index, world.seed) for index in identities}
    with open_landmarker(pose_model, "image") as one, open_landmarker(pose_model, "image", people=2) as two:
        eyes = Eyes(vae, backend, pose_model, one, two)
        for index, (name, face) in people.items():
            rng, place = generator(f"masks {name}", world.seed), torch.tensor(index - identities.start)
            rows.tensors.setdefault("embedding", []).append(torch.from_numpy(embeddings_of(face, backend, rng)))
            rows.tensors.setdefault("reference", []).append(latents_of(vae, reference_picture(face, world.side, rng)).half())
            for prompt, scene in _stills(face, world, rng):
                rows.add("still", prompt, scene_latents(eyes, scene) | {"person": place})
            if index not in dancers:
                continue
            for kind, prompt, values in _danced(eyes, face, world, rng):
                rows.add(kind, prompt, values | {"person": place})
            other = identities.start + (index - identities.start + 1) % len(identities)
            pair = dressed(face, rng), dressed(people[other][1], rng)
            both = torch.tensor([index, other]) - identities.start
            scenes = duet(pair, training_moves(), world.short, world.side, rng)
            rows.add("duet", describe_pair(*pair), _pair(eyes, scenes, world.side, rng) | {"person": both})
    rows.write(path)


def _person(index: int, seed: int) -> tuple[str, Person]:
    name, traits = training_identity(index, seed)
    return name, person(traits)


def _stills(face: Person, world: TinyMaskWorld, rng: np.random.Generator) -> Iterator[tuple[str, Scene]]:
    for _ in range(STILLS - 1):
        who = dressed(face, rng)
        yield describe(who), dance(who, training_moves(), 1, world.side, rng)
    yield PORTRAIT, photo(face, world.side, rng)


def _danced(
    eyes: Eyes, face: Person, world: TinyMaskWorld, rng: np.random.Generator
) -> Iterator[tuple[str, str, dict[str, Tensor]]]:
    """A clip with an earlier frame, a region of a part of it, and a close-up of somebody with this face."""
    who, moves = dressed(face, rng), training_moves()
    whole = dance(who, moves, world.frames, world.side, rng, after=int(rng.integers(*EARLIER)))
    scene = whole.part(slice(1, None))
    clip = scene_latents(eyes, scene)
    yield "clip", describe(who), clip | {"anchor": latents_of(eyes.vae, whole.frames[:1])}
    start = int(rng.integers(world.frames - world.short + 1))
    some, mask = slice(start, start + world.short), head_region(scene.part(slice(start, start + world.short)), rng)
    kept = {"video": clip["video"][:, some], "head": clip["head"][:, some], "landmarks": clip["landmarks"][some]}
    poses = estimated_control(scene.part(some), eyes.one, eyes.pose_model) if rng.random() < world.estimated else None
    control = scene.control[some] if poses is None else poses
    yield "region", describe(who), kept | _masked(eyes.vae, scene.frames[some], control, mask)
    yield "close", *_close(eyes, face, moves, world, rng)


def _close(
    eyes: Eyes, face: Person, moves: tuple[Move, ...], world: TinyMaskWorld, rng: np.random.Generator
) -> tuple[str, dict[str, Tensor]]:
    who = dressed(face, rng)
    who = Dancer(**vars(who) | {"body": type(who.body)(**vars(who.body) | {"head": rng.uniform(*HEADS)})})
    scene = dance(who, moves, world.short, 2 * world.side, rng)
    poses = uncertain(scene.joints, 2 * world.side, rng)
    if rng.random() < world.estimated:
        poses = filled(estimated_poses(scene, eyes.one, eyes.pose_model), poses)
    view = close_up(scene, poses, world.side, lambda frames: worn(eyes.vae, frames), rng)
    shown = Scene(view.frames, view.large, view.control, view.heads, scene.joints)
    values = {
        "video": latents_of(eyes.vae, view.frames),
        "head": _heads_mask(view.heads, world.side, world.short),
        "landmarks": torch.from_numpy(face_landmarks(shown, eyes.backend)).float(),
    }
    return describe(who), values | _masked(eyes.vae, view.frames, view.control, view.mask)


def _pair(eyes: Eyes, scenes: tuple[Scene, Scene], side: int, rng: np.random.Generator) -> dict[str, Tensor]:
    first, _ = scenes
    seen = [
        filled(found, uncertain(scene.joints, side, rng))
        for scene, found in zip(scenes, poses_together(scenes, eyes.two), strict=True)
    ]
    video = latents_of(eyes.vae, first.frames)
    heads = [_heads_mask(scene.heads, side, len(first.frames)) for scene in scenes]
    return {
        "video": video,
        "control": latents_of(eyes.vae, first.control),
        "estimated": latents_of(eyes.vae, drawn_together(seen, side)),
        "head": torch.maximum(*heads),
        "landmarks": _landmarks_of_both(scenes, eyes.backend),
        "region": shares([scene.joints / OVERSAMPLING for scene in scenes], side, video.shape[-1]),
    }


def shares(joints: Sequence[NDArray[np.floating]], side: int, cells: int) -> Tensor:
    """How much of each latent pixel is each dancer's (P, T, cells, cells), by which joints (T, J, 2), in pixels, are nearest."""
    y, x = np.mgrid[:cells, :cells] + 0.5
    places = np.stack([x, y], -1) * side / cells
    nearest = np.stack(
        [np.linalg.norm(places[None, :, :, None] - track[:, None, None], axis=-1).min(-1) for track in joints]
    )  # (P, T, h, w)
    return torch.softmax(torch.from_numpy(-nearest * cells / side / _SOFT).float(), dim=0)


def _landmarks_of_both(scenes: tuple[Scene, Scene], backend: FaceBackend) -> Tensor:
    """(2, T, 5, 2), NaN where a face is not found or the heads are too near to each other to tell them apart."""
    found = torch.stack([torch.from_numpy(face_landmarks(scene, backend)).float() for scene in scenes])
    first, second = (torch.from_numpy(scene.heads) for scene in scenes)
    away = (first - second).unflatten(-1, (2, 2)).mean(1).abs()  # (T, 2)
    hidden = (away < _APART * (first[:, 2:] - first[:, :2])).all(-1)
    return found.masked_fill(hidden[None, :, None, None], torch.nan)


def scene_latents(eyes: Eyes, scene: Scene) -> dict[str, Tensor]:
    return {
        "video": latents_of(eyes.vae, scene.frames),
        "control": latents_of(eyes.vae, scene.control),
        "estimated": latents_of(eyes.vae, estimated_control(scene, eyes.one, eyes.pose_model)),
        "head": _heads_mask(scene.heads, scene.frames.shape[1], len(scene.frames)),
        "landmarks": torch.from_numpy(face_landmarks(scene, eyes.backend)).float(),
    }


def _masked(vae: Any, frames: Frames, control: Frames, mask: Mask) -> dict[str, Tensor]:
    """The three parts of the control of frames (T, H, W, 3) of which what the mask shows is to be made."""
    mixed = from_bytes(torch.from_numpy(np.where(mask[..., None], control, frames)).permute(3, 0, 1, 2)[None])
    inactive, reactive, channels = masked_control(lambda video: normalised(vae, video), mixed, torch.from_numpy(mask)).split(
        (vae.config.z_dim, vae.config.z_dim, vae.config.scale_factor_spatial**2)
    )
    return {"inactive": inactive, "reactive": reactive, "mask": channels.byte()}


def _heads_mask(heads: NDArray[np.float32], side: int, frames: int) -> Tensor:
    cells = side // 8
    return box_mask(heads, (side, side), (frames, cells, cells))


@torch.no_grad()
def worn(vae: Any, frames: Frames) -> Frames:
    """Frames (T, H, W, 3) through the VAE."""
    decoded = decode_normalised(vae, latents_of(vae, frames)[None])[0].clamp(-1, 1)
    worn: Frames = to_bytes(decoded.permute(1, 2, 3, 0)).numpy()
    return worn
