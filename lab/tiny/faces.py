"""The last training of the tiny model's transformer: the recogniser is to see the person in its guesses, decoded.

Least squares alone teach it the mean of all faces that the noise leaves open, which is no face in particular and often not
taken for one. The recogniser judges at every noise level: with few steps of sampling, the first guess decides who is seen.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from facedance.faces.face_loss import FaceLoss
from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import flow_loss
from lab.tiny.batches import Batch, Kind, batch_rng, draw_batch
from lab.tiny.fast_vae import decode_normalised
from lab.tiny.landmarks import are_found
from lab.tiny.learning import learn
from lab.tiny.recipe import TinyTransformer
from lab.tiny.transformer import block_functions, new_optimizer, predicted, weights_of
from lab.tiny.world_latents import World

HEADS = Kind(size=32, clips=False, frames=1, heads=True, reference=False)
HEAD_CLIPS = Kind(size=2, clips=True, frames=17, heads=True, reference=False)
STILLS = Kind(size=6, clips=False, frames=1, heads=False, reference=True)
CLIPS = Kind(size=2, clips=True, frames=5, heads=False, reference=False)
KINDS = (HEADS, STILLS, HEAD_CLIPS, CLIPS)
BODY_WEIGHT = 4.0
IDENTITY_WEIGHT, MISSED_WEIGHT = 4.0, 0.4
RATE_SHARE = 0.1  # of the rates of the training before
WARMUP = 20
CHECKPOINT_EVERY = 50
_FIRST = 2_000_000  # batch, later than any of the training before


def refine_transformer(
    model: Any, branch: FaceBranch, vae: Any, face_loss: FaceLoss, world: World, prompts: Mapping[str, Tensor], inactive: Tensor,
    recipe: TinyTransformer, *, steps: int, seed: int, state: Path, compiled: bool,
) -> pd.DataFrame:  # fmt: skip
    """Train them on; gives the losses of each step. It goes on from the last checkpoint in `state`."""
    vae.requires_grad_(False)
    weights = weights_of(model.requires_grad_(True), branch.requires_grad_(True))
    blocks = block_functions(compiled)

    def losses(step: int) -> dict[str, Tensor]:
        random = batch_rng(seed, _FIRST + step)
        batch, heads = draw_faces(world, prompts, inactive, recipe, step, random)
        velocity = predicted(model, branch, batch, blocks)
        parts = {"flow": flow_loss(velocity, batch.target, batch.weight)}
        if heads:
            guess = decode_normalised(vae, batch.denoised(velocity))
            known = are_found(batch.landmarks) & (batch.scale > 0)[:, None]  # (B, T)
            wanted = batch.faces[:, None].expand(-1, known.shape[1], -1)
            identity, missed = face_loss(guess.transpose(1, 2)[known], batch.landmarks[known], wanted[known], random)
            parts |= {"identity": IDENTITY_WEIGHT * identity, "missed": MISSED_WEIGHT * missed}
        return parts

    return learn(
        "transformer", weights, new_optimizer(weights, recipe), losses, steps=steps,
        rate_factor=lambda step: RATE_SHARE * min(1.0, step / WARMUP, 2 * (steps - step) / steps),
        checkpoint_every=CHECKPOINT_EVERY, state=state,
    )  # fmt: skip


def draw_faces(
    world: World, prompts: Mapping[str, Tensor], inactive: Tensor, recipe: TinyTransformer, step: int, random: torch.Generator
) -> tuple[Batch, bool]:
    """The batch of a step, and whether it is of heads, which the recogniser looks at."""
    kind = KINDS[step % len(KINDS)]
    batch = draw_batch(
        world,
        prompts,
        inactive,
        kind,
        people=len(world.tensors["embedding"]),
        estimated=recipe.rounds[-1].estimated,
        head_weight=recipe.head_weight,
        dropout=recipe.face_dropout,
        random=random,
        body_weight=0.0 if kind.heads else BODY_WEIGHT,
    )
    return batch, kind.heads
