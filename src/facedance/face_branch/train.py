"""Training a face branch beside a model's frozen transformer, and its card.

It can be killed at any moment: started again, it goes on from its last checkpoint and ends with the same bytes.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file

from facedance.config.face_branch import FaceBranchTraining
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Train, WanModel
from facedance.face_branch.dataset import People, data_digest, read_people
from facedance.face_branch.judge import judge
from facedance.face_branch.learning import new_learner, training_of
from facedance.faces.backend import open_backend
from facedance.faces.face_loss import recogniser_file
from facedance.files import sha256, write_json
from facedance.job import InputError
from facedance.rerun.code import modules_digest
from facedance.tables import read_table, write_table
from facedance.train import checkpoint
from facedance.train.distributed import ALONE, Rank
from facedance.train.key import MATHEMATICS, training_key
from facedance.train.learner import Learner
from facedance.train.loop import COLUMNS, deterministic, start_and_end, take_steps, weights_digest
from facedance.train.validate import Stage
from facedance.train.window import window_side
from facedance.wan.device import out_of_memory_means
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pretrained_face import save_face_branch

NAME = "face branch"
UNLIKE = 0.75
"""Of the distance below which two are taken for one: portraits of one person are seldom further apart, so who is may be two."""
_OWN = ("facedance.face_branch.dataset", "facedance.face_branch.learning")

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class BranchFiles:
    """What a face branch is trained with, and what its training writes."""

    tables: Sequence[Path]  # csv of each part of the people
    latents: Sequence[Path]  # safetensors of each part, in the same order
    texts: Path  # safetensors: "portrait", "negative" and "none" as the transformer reads them
    model: Path  # folder of the video model
    recogniser: Path  # folder of the face recogniser's weights
    state: Path  # folder for checkpoints
    branch: Path  # folder for the weights, as `facedance.wan.pretrained_face` reads them, and card.json
    metrics: Path  # csv to write: a row for each step


@dataclass(frozen=True)
class Judging:
    """How people held out are rendered and looked at."""

    backend: str  # the recogniser's name: it is opened by the process that judges, as a GPU cannot be shared across a fork
    settings: RenderSettings


def train_face_branch(
    files: BranchFiles, wan: WanModel, train: Train, chosen: FaceBranchTraining, judging: Judging, rank: Rank = ALONE
) -> None:
    """Train a new branch from the portraits in all parts, judge it by people held out, and write it with its card.

    Args:
        train: of which `learning.training_of` takes what concerns a branch.
        rank: which of several processes this is, that train together.

    Raises:
        InputError: too few people, more processes than a batch has portraits, a loss that is not finite, or a full GPU.
    """
    if chosen.batch_size < rank.of:
        raise InputError(
            f"face_branch.batch_size {chosen.batch_size} leaves some of {rank.of} GPUs idle: raise it, or train on fewer"
        )
    backend = None if rank.number else open_backend(judging.backend, files.recogniser)
    recognised = rank.told(backend and backend.recognised_distance)
    people = read_people(files.tables, files.latents, window_side(wan), chosen.heldout, UNLIKE * recognised)
    texts = load_file(files.texts)
    train = training_of(chosen, train)
    inputs = {
        "people": data_digest(files.tables, files.latents, people.names),
        "texts": sha256(files.texts),
        **{part: weights_digest(files.model / part) for part in ("transformer", "vae")},
        "recogniser": sha256(recogniser_file(files.recogniser)),
    }
    code = modules_digest((*MATHEMATICS, *_OWN))
    folder = files.state / training_key(wan, train, inputs, code)
    _log.info("%d portraits to learn from, %d people held out", len(people.learned), len(people.names))
    with deterministic(train.deterministic), out_of_memory_means("lower face_branch.batch_size"):
        learner = new_learner(people, files.model, files.recogniser, wan, train, rank)
        dataset = people.dataset(texts["portrait"], texts["none"])
        learner.require_gradients(dataset)
        rows = take_steps(NAME, learner, dataset, folder, Stage(files.model, wan, folder / "validation", judging=None)).rows
        if backend is None:  # the first process judges and writes
            return
        learner.branch.requires_grad_(False)
        scores = judge(learner.transformer, learner.branch, people.heldout, texts, files.model, wan, judging.settings, backend)
    for way, found in scores.items():
        _log.info("people held out %s: %s", way, ", ".join(f"{name} {value}" for name, value in found.items()))
    save_face_branch(learner.branch, files.branch, judging.backend)
    write_table(files.metrics, rows, COLUMNS)
    write_json(files.branch / "card.json", _card(files, people, learner, chosen, rows, inputs["people"], scores))
    checkpoint.remove_others(folder)


def _card(
    files: BranchFiles,
    people: People,
    learner: Learner,
    chosen: FaceBranchTraining,
    rows: Sequence[dict[str, Any]],
    data: str,
    scores: dict[str, Any],
) -> dict[str, Any]:
    everybody = pd.concat([read_table(table) for table in files.tables])
    branch: FaceBranch = learner.branch
    return {
        "licence": chosen.licence,
        "people": len({p.person for p in people.learned}),
        "portraits": len(people.learned),
        "people_held_out": len(people.names),
        "portraits_left_out": int((everybody["status"] != "accepted").sum()),
        "data": data,
        "training": chosen.model_dump(exclude={"licence"}),
        "seed": learner.train.seed,
        "sizes": asdict(branch.sizes),
        "loss": start_and_end(list(rows))["photo"],
        "scores": scores,
        "weights": sha256(files.branch / "model.safetensors"),
    }
