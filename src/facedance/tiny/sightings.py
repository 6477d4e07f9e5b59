"""How the recogniser sees heads as they are drawn, and through the VAE: what its student learns from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.evaluate.observe import surest_face
from facedance.faces.face import FaceBackend
from facedance.files import atomic
from facedance.tiny.fast_vae import decode, encode
from facedance.video import Frames, resized

SIDE = 64  # pixels of a crop
FRAMES = 10  # looked at of each dance
_ENLARGED = 2  # times, as clips are larger than the model's frames
_CROP_SHARE, _SEEN_SHARE = 1.2, 1.7  # sides of the crop and of what the recogniser is shown, in sides of the head's box
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


def see_heads(pixels: Path, vae: Any, backend: FaceBackend, seed: int, path: Path) -> None:
    """Write pairs of crops, `drawn` and `decoded` (N, 3, SIDE, SIDE) uint8, and `drawn_embedding`, `decoded_embedding` (N, D).

    They are of FRAMES frames of each dance in the file `pixels` in which the recogniser finds the face both times.
    """
    held, rng, noise = load_file(pixels), np.random.default_rng([seed, 2]), torch.Generator().manual_seed(seed)
    rows: dict[str, list[Tensor]] = {name: [] for name in ("drawn", "decoded", "drawn_embedding", "decoded_embedding")}
    for clip, boxes in zip(held["clips"], held["heads"], strict=True):
        chosen = rng.choice(len(clip), FRAMES, replace=False)
        drawn, heads = clip[chosen], boxes[chosen]  # (T, H, W, 3), (T, 4)
        video = drawn.permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        with torch.no_grad():
            latents = encode(vae, video)[0]
            strength = torch.from_numpy(rng.choice(_NOISES, FRAMES)).float().view(1, 1, -1, 1, 1) * latents.square().mean().sqrt()
            decoded = decode(vae, latents + strength * torch.randn(latents.shape, generator=noise)).clamp(-1, 1)
        seen = [_embeddings(_pictures(shown), heads.numpy(), backend) for shown in (video, decoded)]
        both = torch.from_numpy(np.isfinite(np.stack(seen)).all(axis=(0, 2)))
        for name, shown, faces in zip(("drawn", "decoded"), (video, decoded), seen, strict=True):
            rows[name].append(((head_crops(shown, heads[None]) + 1) * 127.5).round().byte()[both])
            rows[f"{name}_embedding"].append(torch.from_numpy(faces)[both])
    with atomic(path) as temporary:
        save_file({name: torch.cat(values).contiguous() for name, values in rows.items()}, temporary)


def read_sightings(files: Sequence[Path]) -> dict[str, Tensor]:
    """All that `see_heads` wrote into these files."""
    parts = [load_file(file) for file in files]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _pictures(video: Tensor) -> Frames:
    """Frames (T, H, W, 3) of a video (1, 3, T, H, W)."""
    shown: Frames = ((video[0] + 1) * 127.5).round().byte().permute(1, 2, 3, 0).numpy()
    return shown


def _embeddings(frames: Frames, heads: NDArray[np.float32], backend: FaceBackend) -> NDArray[np.float32]:
    """The recogniser's output (T, D) at the heads; NaN where it finds no face."""
    found = np.full((len(frames), backend.dimension), np.nan, np.float32)
    large = resized(frames, (_ENLARGED * frames.shape[2], _ENLARGED * frames.shape[1]))
    for i, (frame, box) in enumerate(zip(large, _ENLARGED * heads, strict=True)):
        middle, reach = (box[:2] + box[2:]) / 2, max(box[2] - box[0], box[3] - box[1]) * _SEEN_SHARE / 2
        (left, top), (right, bottom) = np.maximum(middle - reach, 0).astype(int), np.ceil(middle + reach).astype(int)
        cut = np.ascontiguousarray(frame[top:bottom, left:right])  # dlib searches a small picture sooner
        face = surest_face(cut, backend)
        if face is not None:
            found[i] = backend.embed(cut, face).raw
    return found
