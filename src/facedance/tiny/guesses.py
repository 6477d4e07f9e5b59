"""What the transformer takes a noisy picture for, looked at: whether a recogniser finds the face in it, and whose."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from facedance.faces.face import FaceBackend
from facedance.tiny.batches import HEAD_CLIPS, HEADS, batch_rng, draw_batch
from facedance.tiny.fast_vae import decode_normalised
from facedance.tiny.model import SPATIAL_FACTOR
from facedance.tiny.recipe import TinyTransformer
from facedance.tiny.sightings import joined, sightings
from facedance.tiny.transformer import block_functions, predicted
from facedance.tiny.world_latents import World
from facedance.wan.face_branch import FaceBranch

KINDS = (HEADS, HEADS, HEAD_CLIPS)
EVERY = 3  # frames of a clip, which are much alike
_FIRST = 1_000_000  # batch, later than any of the training


@torch.no_grad()
def see_guesses(
    world: World, prompts: Mapping[str, Tensor], inactive: Tensor, model: Any, branch: FaceBranch, vae: Any,
    backend: FaceBackend, recipe: TinyTransformer, *, batches: int, seed: int,
) -> dict[str, Tensor]:  # fmt: skip
    """`sightings` of heads as they are in `world`, through the VAE, and as the model guesses them from noisy latents."""
    blocks, seen = block_functions(compiled=False), []
    for i in range(batches):
        batch = draw_batch(
            world,
            prompts,
            inactive,
            KINDS[i % len(KINDS)],
            people=len(world.tensors["embedding"]),
            estimated=recipe.rounds[-1].estimated,
            head_weight=recipe.head_weight,
            dropout=recipe.face_dropout,
            random=batch_rng(seed, _FIRST + i),
        )
        heads, known = head_boxes(batch.head[:, :, ::EVERY])
        truth, guess = (
            decode_normalised(vae, batch.denoised(velocity)[:, :, ::EVERY]).transpose(1, 2)[known][:, :, None]  # (N, 3, 1, H, W)
            for velocity in (batch.target, predicted(model, branch, batch, blocks))
        )
        seen.append(sightings(truth, guess, heads[known][:, None], backend))
    return joined(seen)


def head_boxes(head: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (B, T, 4), x0, y0, x1, y1 in pixels, of what `box_mask` gave (B, 1, T, h, w), and where there are any (B, T)."""
    columns, rows = head[:, 0].amax(2), head[:, 0].amax(3)  # (B, T, w) and (B, T, h)
    width, height = columns.sum(2), rows.sum(2)
    x, y = ((values * (torch.arange(values.shape[2]) + 0.5)).sum(2) / values.sum(2).clamp(min=1e-6) for values in (columns, rows))
    boxes = torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], dim=2)
    return SPATIAL_FACTOR * boxes, (width > 1) & (height > 1)
