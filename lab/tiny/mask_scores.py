"""How well the tiny model goes on from given frames, makes a region of a given video, and draws two dancers.

On people that training never sees and dances of moves that it never sees; grey levels of 255.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facedance.evaluate import pose
from facedance.faces.face import FaceBackend
from facedance.faces.photos import read_picture
from facedance.poses.landmarker import Landmarker, open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.sample.dancer import dressed
from facedance.sample.traits import generator
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from lab.identity.cast import WORLD_SEED
from lab.identity.sitters import Sitter
from lab.tiny.conditions import continued, masked_control, with_references
from lab.tiny.fast_transformer import Text
from lab.tiny.fast_vae import decode_normalised, from_bytes, to_bytes
from lab.tiny.mask_batches import GIVEN, TEXT_TOKENS
from lab.tiny.mask_world import shares, worn
from lab.tiny.sampler import TinyModel
from lab.tiny.texts import encode_texts
from lab.tiny.world_latents import inactive_latents, latents_of, normalised
from lab.world.duet import drawn_together, duet
from lab.world.estimated import estimated_control, estimated_poses, landmarks_in_heads, poses_together
from lab.world.regions import Mask, close_up, head_region
from lab.world.scene import OVERSAMPLING, Scene, dance
from lab.world.split import HELDOUT_MOVES
from lab.world.words import describe, describe_pair

SIDE, FRAMES, SHORT = 128, 17, 9
WAYS: tuple[tuple[int, bool, bool], ...] = ((0, False, False), *((given, False, False) for given in GIVEN), (5, True, True))
"""How a second window is made: frames given, whether the head and an anchor are references."""
_STILL = 4  # grey levels by which the background changes at most in the drawing


@dataclass(frozen=True)
class Examiner:
    """Who measures, and with which noise."""

    backend: FaceBackend
    pose_model: Path
    seed: int

    def going_on(self, model: TinyModel, who: Sitter) -> dict[str, dict[str, float]]:
        """Two windows of a dance, the second made in each of `WAYS`; figures by the way's name."""
        rng = generator(f"going on {who.name}/{self.seed}", WORLD_SEED)
        dancer = dressed(who.face, rng)
        scene = dance(dancer, HELDOUT_MOVES, 2 * FRAMES + 3, SIDE, rng)  # also where none is given, and 4n+1
        with open_landmarker(self.pose_model, "image") as finder:
            poses = latents_of(model.vae, estimated_control(scene, finder, self.pose_model))
        idle, text = inactive_latents(model.vae, FRAMES, SIDE), _text(describe(dancer))
        faces, scale = torch.from_numpy(who.embedding.vector)[None], torch.ones(1)
        wall = np.ptp(scene.frames.astype(int), axis=0).max(-1) <= _STILL  # (H, W)

        def window(video: Tensor, first: int, given: int, references: list[Tensor], seed: int) -> Frames:
            control = continued(video[None], poses[None, :, first : first + FRAMES], idle, given)
            made = model.sample(with_references(control, references), text, faces, scale, references=len(references), seed=seed)
            return _pictures(model, made)

        head = latents_of(model.vae, resized(read_picture(who.folder / "reference.png")[None], (SIDE, SIDE)))[None]
        befores = {with_head: window(idle, 0, 0, [head] if with_head else [], self.seed) for with_head in (False, True)}
        figures = {}
        for given, with_head, with_anchor in WAYS:
            before = befores[with_head]
            anchor = latents_of(model.vae, before[:1])[None]
            last = latents_of(model.vae, before[FRAMES - given :]) if given else idle[:, :0]
            video = torch.cat([last, idle[:, given:]], dim=1)
            references = [*([head] if with_head else []), *([anchor] if with_anchor else [])]
            after = window(video, FRAMES - given, given, references, self.seed + 1)
            name = f"{given} given{', head and anchor' if with_anchor else ''}" if given else "cut"
            figures[name] = _joined(before, after, given, wall)
        return figures

    def region(self, model: TinyModel, who: Sitter, *, near: bool) -> dict[str, float]:
        """The head made anew in a dance as it is drawn; `near`: in a close-up."""
        rng = generator(f"region {who.name}/{self.seed}", WORLD_SEED)
        dancer = dressed(who.face, rng)
        scene = dance(dancer, HELDOUT_MOVES, SHORT, SIDE * (2 if near else 1), rng)
        with open_landmarker(self.pose_model, "image") as finder:
            seen = estimated_poses(scene, finder, self.pose_model)
            control = estimated_control(scene, finder, self.pose_model)
        truth, mask = scene.frames, head_region(scene, rng)
        if near:
            view = close_up(scene, seen, SIDE, lambda frames: worn(model.vae, frames), rng)
            truth, control, mask = view.frames, view.control, view.mask
        mixed = from_bytes(torch.from_numpy(np.where(mask[..., None], control, truth)).permute(3, 0, 1, 2)[None])
        told = masked_control(lambda video: normalised(model.vae, video), mixed, torch.from_numpy(mask))
        faces = torch.from_numpy(who.embedding.vector)[None]
        made = _pictures(
            model, model.sample(told[None], _text(describe(dancer)), faces, torch.ones(1), references=0, seed=self.seed)
        )
        return _compared(made, truth, worn(model.vae, truth), mask)

    def together(self, model: TinyModel, pair: tuple[Sitter, Sitter]) -> dict[str, float]:
        """Two people in one dance, each face in its region."""
        rng = generator(f"duet {pair[0].name} {pair[1].name}/{self.seed}", WORLD_SEED)
        dancers = dressed(pair[0].face, rng), dressed(pair[1].face, rng)
        scenes = duet(dancers, HELDOUT_MOVES, SHORT, SIDE, rng)
        with open_landmarker(self.pose_model, "image", people=2) as finder:
            poses = latents_of(model.vae, drawn_together(poses_together(scenes, finder), SIDE))
            idle = inactive_latents(model.vae, SHORT, SIDE)
            region = shares([scene.joints / OVERSAMPLING for scene in scenes], SIDE, poses.shape[-1])
            made = model.sample(
                continued(idle[None], poses[None], idle, 0),
                _text(describe_pair(*dancers)),
                torch.from_numpy(np.stack([who.embedding.vector for who in pair]))[None],
                region[None],
                references=0,
                seed=self.seed,
            )
            frames = resized(_pictures(model, made), (OVERSAMPLING * SIDE, OVERSAMPLING * SIDE))
            drawn = {"PCK, drawn": _pck(scenes[0].large, scenes, finder)}
            return {"PCK": _pck(frames, scenes, finder), **drawn, **self._own(frames, scenes, pair)}

    def _own(self, frames: Frames, scenes: tuple[Scene, Scene], pair: tuple[Sitter, Sitter]) -> dict[str, float]:
        """Share of the heads with a face, and of these faces that are nearer to their own person than to the other."""
        known = np.stack([who.embedding.raw for who in pair])
        looked, nearer = 0, []
        for i, scene in enumerate(scenes):
            for frame, box in zip(frames, OVERSAMPLING * scene.heads, strict=True):
                reach = (box[2:] - box[:2]) * 0.3
                left, top = np.maximum(box[:2] - reach, 0).astype(int)
                right, bottom = np.ceil(box[2:] + reach).astype(int)
                cut = np.ascontiguousarray(frame[top:bottom, left:right])
                looked += 1
                if found := self.backend.detect(cut, 24):
                    face = self.backend.embed(cut, max(found, key=lambda face: face.score)).raw
                    nearer.append(np.linalg.norm(known - face, axis=1).argmin() == i)
        return {"faces found": len(nearer) / looked, "nearer to their own": float(np.mean(nearer)) if nearer else np.nan}


def _text(prompt: str) -> Text:
    return Text.of([encode_texts([prompt], 0)[prompt]], TEXT_TOKENS)


@torch.no_grad()
def _pictures(model: TinyModel, latents: Tensor) -> Frames:
    decoded = decode_normalised(model.vae, latents[None])[0].clamp(-1, 1)
    frames: Frames = to_bytes(decoded.permute(1, 2, 3, 0)).numpy()
    return frames


def _joined(before: Frames, after: Frames, given: int, wall: NDArray[np.bool_]) -> dict[str, float]:
    """What is seen where the windows meet: the first `given` frames of `after` are the last of `before`."""
    whole = np.concatenate([before, after[given:]]).astype(np.float64)
    changes = np.abs(np.diff(whole, axis=0)).mean((1, 2, 3))
    seam = len(before) - 1
    kept = np.abs(after[:given].astype(float) - before[FRAMES - given :]).mean() if given else np.nan
    colours = whole[:, wall].mean(1)  # (T, 3)
    return {
        "given frames": float(kept),
        "seam": float(changes[seam] / np.median(np.delete(changes, seam))),
        "background": float(np.abs(colours[-1] - colours[0]).mean()),
        "background's deviation": float(colours.std(0).max()),
    }


def _compared(made: Frames, truth: Frames, kept: Frames, mask: Mask) -> dict[str, float]:
    """Outside of the mask against what the VAE keeps of the given, inside against what was drawn there."""
    away = np.abs(made.astype(float) - kept)[~mask].mean()
    error = np.square(made.astype(float) - truth)[mask].mean()
    return {"outside": float(away), "inside, dB": float(10 * np.log10(255**2 / error))}


def _pck(frames: Frames, scenes: tuple[Scene, Scene], finder: Landmarker) -> float:
    """PCK over both dancers, against the drawn joints."""
    found = [finder.detect(frame) for frame in frames]
    scores = []
    for scene in scenes:
        seen = landmarks_in_heads(scene, found)[:, COCO_IN_MEDIAPIPE, :2]
        scores.append(pose.compare(seen, scene.joints, np.ones(scene.joints.shape[:2], bool)).pck)
    return float(np.mean([np.nan if score is None else score for score in scores]))
