"""Training the tiny model's transformer and face branch, from nothing, on the world."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from facedance.wan.face_branch import FaceBranch
from facedance.wan.flow import flow_loss
from facedance.wan.pretrained_face import new_face_branch
from lab.tiny.batches import MOVING, PICTURES, Batch, Kind, batch_rng, draw_batch
from lab.tiny.fast_transformer import base_block, control_block, predict
from lab.tiny.learning import learn
from lab.tiny.model import new_transformer
from lab.tiny.muon import Muon
from lab.tiny.recipe import TinyRound, TinyTransformer
from lab.tiny.world_latents import World

WARMUP = 50
EARLY_STEPS, EARLY_PEOPLE = 100, 40
"""The first steps see few people only, so that a test can make them again without drawing the whole world."""
ENDS = ("model.condition_embedder", "model.proj_out")
"""Layers at both ends of the transformer, which Muon leaves to AdamW."""
CHECKPOINT_EVERY = 250
COMPILED_SHAPES = 64


def kind_of(recipe: TinyTransformer, step: int) -> Kind:
    """What kind of batch a step (from 1) sees: pictures first, then clips among them."""
    cycle = PICTURES if step <= recipe.picture_steps else MOVING
    return cycle[step % len(cycle)]


def round_of(recipe: TinyTransformer, step: int) -> tuple[TinyRound, int]:
    """The round of a step (from 1), and which of the round's steps it is (from 1)."""
    for part in recipe.rounds:
        if step <= part.steps:
            return part, step
        step -= part.steps
    raise ValueError(f"{step} steps more than the rounds' {sum(part.steps for part in recipe.rounds)}")


def rate_factor(part: TinyRound, step: int) -> float:
    """Linear warmup, constant, then linear to zero over a round's last steps."""
    return min(1.0, step / WARMUP, (part.steps - step) / part.decay)


def new_model(recipe: TinyTransformer, world: World, seed: int) -> tuple[Any, FaceBranch]:
    """Transformer and branch with random weights; the branch knows the mean and the spread of the first people's faces."""
    torch.manual_seed(seed)
    model = new_transformer()
    torch.nn.init.zeros_(model.proj_out.weight)
    torch.nn.init.zeros_(model.proj_out.bias)
    faces = world.tensors["embedding"][:EARLY_PEOPLE].flatten(0, 1)
    return model, new_face_branch(model, faces, tokens=recipe.face_tokens, rank=recipe.face_rank, width=recipe.mapper_width)


def train_transformer(
    world: World,
    prompts: Mapping[str, Tensor],
    inactive: Tensor,
    recipe: TinyTransformer,
    *,
    seed: int,
    state: Path,
    compiled: bool,
) -> tuple[Any, FaceBranch, list[float]]:
    """The averaged model and branch, and the loss of each step; goes on from the last checkpoint in `state`."""
    model, branch = new_model(recipe, world, seed)
    weights, blocks = weights_of(model, branch), block_functions(compiled)

    def losses(step: int) -> dict[str, Tensor]:
        part, kind = round_of(recipe, step)[0], kind_of(recipe, step)
        batch = draw_batch(
            world,
            prompts,
            inactive,
            kind,
            people=EARLY_PEOPLE if step <= EARLY_STEPS else part.people,
            estimated=part.estimated,
            head_weight=recipe.head_weight,
            dropout=recipe.face_dropout,
            random=batch_rng(seed, step),
        )
        return {kind.name: step_loss(model, branch, batch, blocks)}

    table = learn(
        "transformer", weights, new_optimizer(weights, recipe), losses, steps=sum(part.steps for part in recipe.rounds),
        rate_factor=lambda step: rate_factor(*round_of(recipe, step)), checkpoint_every=CHECKPOINT_EVERY, state=state,
        ema=recipe.ema,
    )  # fmt: skip
    return model, branch, table.drop(columns="step").sum(axis=1).tolist()


def weights_of(model: Any, branch: FaceBranch) -> dict[str, nn.Parameter]:
    """The parameters of both by name."""
    return {f"model.{n}": p for n, p in model.named_parameters()} | {f"face.{n}": p for n, p in branch.named_parameters()}


def new_optimizer(weights: Mapping[str, nn.Parameter], recipe: TinyTransformer) -> Muon:
    """Muon for the matrices between the ends, AdamW for all else."""
    inner = {name: p for name, p in weights.items() if p.ndim == 2 and not name.startswith(ENDS)}
    return Muon(inner.values(), [p for name, p in weights.items() if name not in inner], recipe.rate, recipe.other_rate)


def step_loss(model: Any, branch: FaceBranch, batch: Batch, blocks: Mapping[str, Any]) -> Tensor:
    """Flow-matching loss of a batch."""
    return flow_loss(predicted(model, branch, batch, blocks), batch.target, batch.weight)


def predicted(model: Any, branch: FaceBranch, batch: Batch, blocks: Mapping[str, Any]) -> Tensor:
    """Velocity (B, z, F, h, w) that the model predicts for a batch."""
    with torch.autocast("cpu", torch.bfloat16):
        return predict(
            model, branch, batch.latents, batch.sigma, batch.control, batch.text, batch.faces, batch.scale,
            block=blocks["block"], vace_block=blocks["vace_block"],
        )  # fmt: skip


def block_functions(compiled: bool) -> dict[str, Any]:
    """The functions of a block and of a control block, compiled or not."""
    blocks: dict[str, Any] = {"block": base_block, "vace_block": control_block}
    if compiled:
        torch._dynamo.config.recompile_limit = COMPILED_SHAPES
        blocks = {name: torch.compile(function, dynamic=False) for name, function in blocks.items()}
    return blocks
