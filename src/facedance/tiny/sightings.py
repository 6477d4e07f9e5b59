"""How the recogniser sees heads before and after the VAE or the transformer: what its student learns from."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.evaluate.observe import MIN_FACE_PX
from facedance.faces.face import Face, FaceBackend
from facedance.files import atomic
from facedance.tiny.fast_vae import decode, encode, from_bytes, to_bytes
from facedance.video import Frames, resized

SIDE = 64  # pixels of a crop
FRAMES = 10  # looked at of each dance
LEAST_SCORE = -1.0  # from which something is taken for a face at all, and the score of a head in which nothing is
_ENLARGED = 2  # times, as clips are larger than the model's frames
_CROP_SHARE, _SEEN_SHARE = 1.2, 1.7  # sides of the crop and of what the recogniser is shown, in sides of the head's box
HEAD_IN_CROP = SIDE / 2 + torch.tensor([-1.0, -1.0, 1.0, 1.0]) * SIDE / (2 * _CROP_SHARE)
"""The head's box (4,) in a crop of it."""
_NOISES = (0.0, 0.05, 0.15)  # of the latents, in their own strength


def head_crops(video: Tensor, heads: Tensor) -> Tensor:
    """Crops (B T, 3, SIDE, SIDE) of the heads (B, T, 4), x0, y0, x1, y1, of videos (B, 3, T, H, W)."""
    boxes, frames = heads.flatten(0, 1), video.transpose(1, 2).flatten(0, 1)
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1) * _CROP_SHARE
    places = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
    x, y = (middle[:, axis, None] + side[:, None] * places for axis in (0, 1))  # (B T, SIDE) pixels
    x, y = 2 * x / frames.shape[3] - 1, 2 * y / frames.shape[2] - 1
    grid = torch.stack([x[:, None, :].expand(-1, SIDE, -1), y[:, :, None].expand(-1, -1, SIDE)], dim=-1)
    return F.grid_sample(frames, grid, padding_mode="border", align_corners=False)


def see_heads(pixels: Path, vae: Any, backend: FaceBackend, seed: int) -> dict[str, Tensor]:
    """`sightings` of FRAMES frames of each dance in the file `pixels`, as they are drawn and through the VAE."""
    held, rng, noise = load_file(pixels), np.random.default_rng([seed, 2]), torch.Generator().manual_seed(seed)
    seen = []
    for clip, boxes in zip(held["clips"], held["heads"], strict=True):
        chosen = rng.choice(len(clip), FRAMES, replace=False)
        drawn, heads = clip[chosen], boxes[chosen]  # (T, H, W, 3), (T, 4)
        video = from_bytes(drawn.permute(3, 0, 1, 2)[None])
        with torch.no_grad():
            latents = encode(vae, video)[0]
            strength = torch.from_numpy(rng.choice(_NOISES, FRAMES)).float().view(1, 1, -1, 1, 1) * latents.square().mean().sqrt()
            decoded = decode(vae, latents + strength * torch.randn(latents.shape, generator=noise))
        seen.append(sightings(video, decoded, heads[None], backend))
    return joined(seen)


def sightings(before: Tensor, after: Tensor, heads: Tensor, backend: FaceBackend) -> dict[str, Tensor]:
    """The heads (B, T, 4) of videos (B, 3, T, H, W) before and after, N = B T.

    `before` and `after` (N, 3, SIDE, SIDE) uint8 are crops, `before_embedding` and `after_embedding` (N, D) the recogniser's
    output, NaN where it sees no face, and `before_score` and `after_score` (N,) how sure it is of one, at least LEAST_SCORE.
    """
    rows = {}
    for name, video in (("before", before.clamp(-1, 1)), ("after", after.clamp(-1, 1))):
        frames = to_bytes(video.transpose(1, 2).flatten(0, 1))  # (N, 3, H, W)
        looks = _looks(frames.permute(0, 2, 3, 1).numpy(), heads.flatten(0, 1).numpy(), backend)
        rows[name] = to_bytes(head_crops(video, heads))
        rows[f"{name}_embedding"], rows[f"{name}_score"] = (torch.from_numpy(values) for values in looks)
    return rows


def joined(parts: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Sightings one after the other."""
    rows: dict[str, list[Tensor]] = {}
    for part in parts:
        for name, values in part.items():
            rows.setdefault(name, []).append(values)
    return {name: torch.cat(values) for name, values in rows.items()}


def save_sightings(seen: dict[str, Tensor], path: Path) -> None:
    """Write sightings as safetensors."""
    with atomic(path) as temporary:
        save_file({name: values.contiguous() for name, values in seen.items()}, temporary)


def read_sightings(files: Sequence[Path]) -> dict[str, Tensor]:
    """All that `save_sightings` wrote into these files."""
    return joined(load_file(file) for file in files)


def _looks(frames: Frames, heads: NDArray[np.float32], backend: FaceBackend) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The recogniser's output (N, D) at a head (4,) in each frame (N, H, W, 3), and its scores (N,)."""
    embeddings = np.full((len(frames), backend.dimension), np.nan, np.float32)
    scores = np.full(len(frames), LEAST_SCORE, np.float32)
    large = resized(np.ascontiguousarray(frames), (_ENLARGED * frames.shape[2], _ENLARGED * frames.shape[1]))
    for i, (frame, box) in enumerate(zip(large, _ENLARGED * heads, strict=True)):
        middle, reach = (box[:2] + box[2:]) / 2, max(box[2] - box[0], box[3] - box[1]) / 2
        (left, top), (right, bottom) = (
            np.maximum(middle - _SEEN_SHARE * reach, 0).astype(int),
            np.ceil(middle + _SEEN_SHARE * reach).astype(int),
        )
        cut = np.ascontiguousarray(frame[top:bottom, left:right])  # dlib searches a small picture sooner
        face = _face_at(middle - [left, top], reach, backend.detect(cut, MIN_FACE_PX))
        if face is not None:
            embeddings[i], scores[i] = backend.embed(cut, face).raw, face.score
    return embeddings, scores


def _face_at(middle: NDArray[np.floating], reach: float, faces: Sequence[Face]) -> Face | None:
    """The surest of the faces whose middle is no further than `reach` from here."""
    near = [face for face in faces if np.abs(face.centre - middle).max() < reach]
    return max(near, key=lambda face: face.score, default=None)
