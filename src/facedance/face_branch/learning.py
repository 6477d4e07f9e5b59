"""What a face branch's training is: the steps of a person's, with the branch alone."""

from pathlib import Path

import torch

from facedance.config.face_branch import OF_TRAIN, FaceBranchTraining
from facedance.config.sections import Phase, Train, WanModel
from facedance.face_branch.dataset import People
from facedance.train.distributed import Rank
from facedance.train.identity_loss import load_identity_loss
from facedance.train.learner import Learner
from facedance.wan.load import choose_device, load_transformer
from facedance.wan.pretrained_face import new_face_branch
from facedance.wan.recompute import compute_again

_TAKEN = {*OF_TRAIN, "gradient_checkpointing", "kept_memory", "deterministic", "checkpoint_every"}
"""What a person's training and a face branch's have in common."""
WARMUP = 100  # steps
FINAL_RATE = 0.05  # of the learning rate, at the last step


def training_of(chosen: FaceBranchTraining, train: Train) -> Train:
    """A training in which the face branch learns alone, from portraits. What a person's LoRA is like changes nothing of it."""
    return Train(
        phases=(Phase(steps=chosen.steps, trains=("face",)),),
        batch_size=chosen.batch_size,
        photo_share=1.0,
        other_faces=1.0,
        learning_rate=chosen.learning_rate,
        final_learning_rate=FINAL_RATE,
        warmup_steps=min(WARMUP, chosen.steps // 10),
        identity_weight=chosen.identity_weight,
        text_dropout=chosen.dropout,
        face_dropout=chosen.dropout,
        reference_dropout=1.0,
        **train.model_dump(include=_TAKEN),
    )


def new_learner(people: People, model: Path, recogniser: Path, wan: WanModel, train: Train, rank: Rank) -> Learner:
    """A learner before its first step; the branch's first values depend on the seed alone."""
    transformer = load_transformer(model, getattr(torch, wan.dtype), choose_device(wan))
    if train.gradient_checkpointing:
        compute_again(transformer, round(train.kept_memory * 2**30))
    faces = torch.stack([portrait.given for portrait in people.learned])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(train.seed)
        branch = new_face_branch(transformer, faces, tokens=train.face_tokens, rank=train.face_rank, width=train.mapper_width)
    branch.to(transformer.device).attach(transformer)
    loss = None
    if train.identity_weight:
        loss = load_identity_loss(model, recogniser, transformer.device, train.gradient_checkpointing, torch.bfloat16)
    return Learner(transformer, branch, train, rank, loss)
