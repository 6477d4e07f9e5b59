"""The tiny model learns masks: to go on from given frames, to make a region of a given video, and two dancers with two faces.

Among the steps are those of the training before, so that what the model could is not forgotten. A later round counts besides
how errors change from frame to frame: what a frame shows must follow from the one before, which is little of the loss of noise.
Of what the last rounds change half is taken: the mean of weights keeps what they could before (Wortsman et al. 2022, WiSE-FT).
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from facedance.faces.face_loss import FaceLoss
from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import flow_loss
from lab.tiny.batches import Batch, batch_rng
from lab.tiny.faces import IDENTITY_WEIGHT, MISSED_WEIGHT, draw_faces
from lab.tiny.fast_vae import decode_normalised
from lab.tiny.landmarks import are_found
from lab.tiny.learning import learn
from lab.tiny.mask_batches import KINDS, draw_masked, kind_of, reactive, shows_one_dancer, to_make
from lab.tiny.pose_loss import PoseLoss
from lab.tiny.recipe import TinyMaskRound, TinyMasks, TinyTransformer
from lab.tiny.transformer import block_functions, new_optimizer, predicted, weights_of
from lab.tiny.world_latents import World

BEFORE = "before"
"""The kind of step that the training for faces had."""
WARMUP = 20
CHECKPOINT_EVERY = 10
MOST_FACES = 8  # that the recogniser looks at in a batch of the new kinds
MOST_BODIES = 4  # that the landmarker looks at
DRAWN_LIGHT = -0.5  # of -1 to 1, above which a pixel of a control frame is drawn
_FIRST, _ROUND = 3_000_000, 100_000  # batch, later than any of the trainings before, and of another round


def train_masks(
    model: Any, branch: FaceBranch, vae: Any, face_loss: FaceLoss, pose_loss: PoseLoss, world: World,
    prompts: Mapping[str, Tensor], idle: Tensor, recipe: TinyMasks, earlier: TinyTransformer, *, seed: int,
    states: Sequence[Path], compiled: bool,
) -> pd.DataFrame:  # fmt: skip
    """Train them on; gives the losses of each step, whose columns begin with its kind.

    It goes on from the last checkpoint in `states`, a folder for each round.
    """
    vae.requires_grad_(False)
    weights = weights_of(model.requires_grad_(True), branch.requires_grad_(True))
    blocks = block_functions(compiled)

    def losses_of(number: int, part: TinyMaskRound, step: int) -> dict[str, Tensor]:
        (kind, count), random = kind_of(part.shares, step), batch_rng(seed, _FIRST + number * _ROUND + step)
        if kind == BEFORE:
            batch, judged = draw_faces(world, prompts, idle, earlier, count, random)
        else:
            batch, judged = draw_masked(world, prompts, idle, KINDS[kind], earlier, part, random), True
        velocity = predicted(model, branch, batch, blocks)
        parts = {"flow": flow_loss(velocity, batch.target, batch.weight)}
        if part.motion and kind != BEFORE:
            parts["motion"] = part.motion * motion_loss(velocity, batch.target, batch.weight)
        if judged:
            guess, most = decode_normalised(vae, batch.denoised(velocity)), None if kind == BEFORE else MOST_FACES
            parts |= _face_losses(guess, batch, face_loss, most, random)
            if part.pose and kind != BEFORE and shows_one_dancer(KINDS[kind]):
                parts["pose"] = part.pose * _pose_loss(guess, batch, vae, pose_loss, part.lengths, random)
        return {f"{kind}/{name}": part for name, part in parts.items()}

    tables, before = [], {}
    for number, part in enumerate(recipe.rounds):
        if number == len(recipe.rounds) - recipe.halved:
            before = {name: parameter.detach().clone() for name, parameter in weights.items()}
        table = learn(
            f"masks {number}", weights, new_optimizer(weights, earlier), functools.partial(losses_of, number, part),
            steps=part.steps,
            rate_factor=functools.partial(_rate, part),
            checkpoint_every=CHECKPOINT_EVERY, state=states[number], ema=recipe.ema,
        )  # fmt: skip
        tables.append(table)
    with torch.no_grad():
        for name, value in before.items():
            weights[name].lerp_(value, 0.5)
    return pd.concat(tables, ignore_index=True)


def _rate(part: TinyMaskRound, step: int) -> float:
    return part.rate * min(1.0, step / WARMUP, (part.steps - step) / part.decay)


def motion_loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Half the weighted mean of the squared changes of errors (B, z, F, h, w) from frame to frame, references left out.

    It is the loss of noise where the errors of two frames have nothing to do with each other.
    """
    pairs = torch.minimum(weight[:, :, 1:], weight[:, :, :-1])
    return flow_loss(prediction.diff(dim=2), target.diff(dim=2), pairs * (pairs >= 1)) / 2  # references weigh less than 1


def _face_losses(
    guess: Tensor, batch: Batch, face_loss: FaceLoss, most: int | None, random: torch.Generator
) -> dict[str, Tensor]:
    """What the recogniser has against faces in guessed frames (B, 3, F, H, W), of at most so many of them."""
    several = batch.faces.ndim == 3
    landmarks = batch.landmarks if several else batch.landmarks[:, None]  # (B, P, F, 5, 2)
    wanted = batch.faces if several else batch.faces[:, None]  # (B, P, D)
    asked = batch.scale.flatten(2).amax(-1) > 0 if several else batch.scale[:, None] > 0  # (B, P)
    places = (are_found(landmarks) & asked[..., None]).nonzero()
    if most is not None:
        places = places[torch.randperm(len(places), generator=random)[:most]]
    item, person, frame = places.unbind(1)
    identity, missed = face_loss(guess.transpose(1, 2)[item, frame], landmarks[item, person, frame], wanted[item, person], random)
    return {"identity": IDENTITY_WEIGHT * identity, "missed": MISSED_WEIGHT * missed}


def _pose_loss(guess: Tensor, batch: Batch, vae: Any, pose_loss: PoseLoss, lengths: float, random: torch.Generator) -> Tensor:
    """What the landmarker has against bodies in guessed frames (B, 3, F, H, W), of at most so many that are to be made."""
    places = to_make(batch.control).nonzero()
    item, frame = places[torch.randperm(len(places), generator=random)[:MOST_BODIES]].unbind(1)
    drawn = drawn_pixels(vae, reactive(batch.control)[item, :, frame])
    known = drawn.flatten(1).any(1)
    item, frame = item[known], frame[known]
    true = decode_normalised(vae, batch.denoised(batch.target)[item, :, frame][:, :, None])[:, :, 0]  # (N, 3, H, W)
    return pose_loss(guess[item, :, frame], true, drawn[known], lengths, random)


@torch.no_grad()
def drawn_pixels(vae: Any, poses: Tensor) -> Tensor:
    """Where skeletons are in latents of control frames (N, z, h, w): (N, H, W).

    The latents do not tell: at the edges those of nothing differ from those of nothing elsewhere.
    """
    return (decode_normalised(vae, poses[:, :, None])[:, :, 0] > DRAWN_LIGHT).any(1)


def all_losses(table: pd.DataFrame) -> list[float]:
    """The loss of noise in each step, of whichever kind it was."""
    flows: pd.Series[float] = table.filter(like="/flow").sum(axis=1)
    return flows.tolist()
