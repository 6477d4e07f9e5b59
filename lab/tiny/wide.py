"""Two clips of the world beside each other: what a wide picture of two dancers looks like."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lab.tiny.model import SPATIAL_FACTOR

NEIGHBOURS = 8  # clips of which one is put beside another


def wide_scenes(clips: Mapping[str, Tensor], count: int, random: torch.Generator) -> dict[str, Tensor]:
    """So many scenes `wide/...` of two clips beside each other, of walls and floors that are like each other where they meet.

    Each clip lacks the column of latent pixels where they meet. `region` (N, 2, T', h, w) is one half each.
    """
    first = torch.randint(len(clips["clip/video"]), (count,), generator=random)
    second = torch.stack([_alike(clips["clip/video"], int(one), random) for one in first])
    scenes = {
        f"wide/{name}": torch.cat([clips[f"clip/{name}"][first][..., :-1], clips[f"clip/{name}"][second][..., 1:]], dim=-1)
        for name in ("video", "control", "estimated", "head", "anchor")
    }
    video = scenes["wide/video"]
    half = video.shape[-1] // 2
    left = (torch.arange(video.shape[-1]) < half).float().expand(count, *video.shape[2:])
    landmarks = [clips["clip/landmarks"][chosen].clone() for chosen in (first, second)]
    landmarks[1][..., 0] += SPATIAL_FACTOR * (half - 1)
    return scenes | {
        "wide/region": torch.stack([left, 1 - left], dim=1),
        "wide/landmarks": torch.stack(landmarks, dim=1),
        "wide/person": torch.stack([clips["clip/person"][chosen] for chosen in (first, second)], dim=1),
        "wide/prompt": clips["clip/prompt"][first],
    }


def _alike(videos: Tensor, one: int, random: torch.Generator) -> Tensor:
    """One of the clips whose left edge goes on where the right edge of this one (z, T', h, w) ends."""
    right, left = videos[one, :, 0, :, -2].float(), videos[:, :, 0, :, 1].float()
    away = (left - right).square().mean((1, 2))
    away[one] = torch.inf
    nearest = away.topk(min(NEIGHBOURS, len(away) - 1), largest=False).indices
    return nearest[torch.randint(len(nearest), (), generator=random)]


def like(latents: Tensor, wide: Tensor) -> Tensor:
    """Latents (..., w) as wide as others, with their own edge on either side."""
    missing = wide.shape[-1] - latents.shape[-1]
    if not missing:
        return latents
    edges = latents[..., :1].expand(*latents.shape[:-1], missing // 2)
    return torch.cat([edges, latents, edges], dim=-1)
