"""Training a person's adapter, LoRA and face branch, by flow matching on cached latents.

It can be killed at any moment: started again, it goes on from its last checkpoint and ends with the bytes that it would
have ended with anyway.
"""

import contextlib
import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from facedance.config.captions import TrainingTexts
from facedance.config.face_branch import NOBODY_ELSE
from facedance.config.sections import Train, WanModel
from facedance.faces.face_loss import recogniser_file
from facedance.files import atomic, digest, sha256, write_json
from facedance.job import InputError
from facedance.tables import write_table
from facedance.train import checkpoint
from facedance.train.course import Course
from facedance.train.curves import curves, of_step, of_validation
from facedance.train.dataset import Dataset, TrainingFiles, read_dataset
from facedance.train.distributed import ALONE, Rank
from facedance.train.judging import JudgeFiles, open_judging
from facedance.train.key import mathematics_digest, training_key
from facedance.train.learner import Learner, new_learner, schedule
from facedance.train.validate import Stage, is_due
from facedance.wan.adapter import save_adapter
from facedance.wan.device import out_of_memory_means
from facedance.wan.pretrained_face import FACE_BRANCH

COLUMNS = ["step", "phase", "kind", "loss", "face_loss", "identity_loss", "lr", "grad_norm", "seconds"]
LIKENESS_COLUMNS = [
    "step", "phase", "face_detected_rate", "identity_distance", "pose_pck", "landmark_distance", "adapter",
]  # fmt: skip

NOTHING_TO_LOOK_AT = (
    "there is no dance that the training could hold out, to look at on its way, so it takes all its steps and keeps the last "
    "weights: it needs one video that can be used, or two where dances are learned from too (train.photo_share below 1)"
)

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class AdapterFiles:
    """What one training writes."""

    state: Path  # folder for checkpoints, with a subfolder named by what the training computes (`facedance.train.key`)
    adapter: Path  # safetensors: the weights
    meta: Path  # json: what the adapter was made from and how the loss fell, without any times
    metrics: Path  # csv: a row per step
    likeness: Path  # csv: a row per validation; `adapter` is 1 where the adapter's weights are from, else 0
    validation: Path  # folder for `step_<n>.mp4`, the person on the dance that is held out


def train_identity(
    identity: str,
    files: TrainingFiles,
    out: AdapterFiles,
    wan: WanModel,
    train: Train,
    said: TrainingTexts,
    rank: Rank = ALONE,
    judges: JudgeFiles | None = None,
) -> None:
    """Train the adapter of one person, or go on with the training that was interrupted.

    The face branch starts from the one that the model brings along, if it has one. That one's sizes then win over
    face_tokens, face_rank and mapper_width of `train`. If it has none, a new one learns that a face comes from its embedding:
    each photo has its own, and `other_faces` of `train` of the items are single faces of others with theirs.

    Args:
        said: what goes with clips and photos.
        rank: which of several processes this is, that train together; see `facedance.train.distributed`.
        judges: who looks at the dance that is held out; None: nobody, and the last weights are kept.

    Raises:
        InputError: nothing to learn from, a model whose face branch is for another recogniser, a loss that is not finite,
            a full GPU, or more processes than a batch has items.
        ValueError: the loss does not depend on something that a phase trains.
    """
    if train.batch_size < rank.of:
        raise InputError(f"train.batch_size {train.batch_size} leaves some of {rank.of} GPUs idle: raise it, or train on fewer")
    dataset = read_dataset(files, wan, train, said)
    if files.begin_a_branch and not dataset.others and "face" in train.learned:
        _log.warning(NOBODY_ELSE)
    weights = {part: weights_digest(files.model / part) for part in ("transformer", FACE_BRANCH)}
    inputs = files.digests() | dataset.digests() | weights
    if train.identity_weight:
        inputs |= {"vae": weights_digest(files.model / "vae"), "recogniser": sha256(recogniser_file(files.recogniser))}
    code = mathematics_digest()
    folder = out.state / training_key(wan, train, inputs, code)
    counts = len(dataset.clips), len(dataset.photos), len(dataset.others)
    _log.info("%s: %d clips, %d photos and %d faces of others to learn from", identity, *counts)
    advice = "take fewer frames (models.<model>.frames), or fewer train.lora_targets"
    if train.kept_memory:
        advice = "set train.kept_memory to 0"
    if not train.gradient_checkpointing:
        advice = "set train.gradient_checkpointing to true"
    if train.validate_every and dataset.heldout is None:
        _log.warning(NOTHING_TO_LOOK_AT)
    judged = dataset.heldout if train.validate_every and not rank.number else None
    judging = open_judging(files, judges, judged, wan) if judges and judged else None
    stage = Stage(files.model, wan, folder / "validation", judging)
    with deterministic(train.deterministic), out_of_memory_means(advice):
        learner, config = new_learner(dataset, files.model, wan, train, files.recogniser, rank)
        course = take_steps(identity, learner, dataset, folder, stage)
        if rank.number:
            return
        course.put_chosen()
        save_adapter(out.adapter, learner.transformer, learner.branch, config, {"identity": identity})
    write_table(out.metrics, course.rows, COLUMNS)
    write_table(out.likeness, course.judged(), LIKENESS_COLUMNS)
    _publish(stage.folder, out.validation, course.done)
    summary = {
        "identity": identity,
        "model": wan.model_dump(),
        "train": train.model_dump(exclude={"videos"}),
        "steps": course.done,
        "adapter_step": course.adapter_step,
        "clips": len(dataset.clips),
        "photos": len(dataset.photos),
        "others": len(dataset.others),
        "heldout_clip": dataset.heldout.name if dataset.heldout else None,
        "trainable_parameters": learner.parameter_counts(),
        "loss": start_and_end(course.rows),
        "heldout": course.heldout,
        "inputs": inputs,
        "code": code,
        "adapter": sha256(out.adapter),
    }
    write_json(out.meta, summary)
    if others := checkpoint.remove_others(folder):
        _log.info("%s: removed the checkpoints of earlier settings (%d), from which nothing goes on", identity, len(others))


def weights_digest(folder: Path) -> str:
    """Digest of the weights in a folder; the same for all folders without any."""
    return digest([sha256(path) for path in sorted(folder.glob("*.safetensors"))])


def take_steps(identity: str, learner: Learner, dataset: Dataset, folder: Path, stage: Stage) -> Course:
    """All steps from the newest checkpoint in `folder` on, or as many as are worth while."""
    train, rank = learner.train, learner.rank
    total = sum(phase.steps for phase in train.phases)
    course = Course(folder, learner, dataset.heldout.digest if dataset.heldout else "")
    if course.done:
        _log.info("%s: going on after step %d of %d", identity, course.done, total)
    ahead = itertools.islice(schedule(train), course.done, course.done if course.ended else None)
    if rank.number:  # the first one writes what there is to write
        for step, _, phase in ahead:
            learner.step(dataset, step, phase)
            if is_due(step, train, dataset) and rank.told(None):
                break
        return course
    with curves(identity, folder / "tensorboard", course.done) as draw:
        for step, number, phase in ahead:
            row = {"step": step, "phase": number, **learner.step(dataset, step, phase)}
            course.add_step(row)
            draw(of_step(row), step)
            if step == 1 or step % max(total // 20, 1) == 0:
                trains = " and ".join(phase.trains)
                _log.info("%s: step %d of %d (%s), loss %.4f, %.2f s", identity, step, total, trains, row["loss"], row["seconds"])
            if due := is_due(step, train, dataset):
                losses, judged = stage.look(identity, learner, dataset, step, number)
                course.add_look(losses, judged)
                draw(of_validation(course.selection.facts()[-1] if judged else {}), step)
            ended = bool(due and rank.told(course.ended))
            if step % train.checkpoint_every == 0 or step == total or ended:
                course.save()
            if ended:
                break
    if course.adapter_step != total:
        _log.info(
            "%s: ended after step %d of %d; the adapter is that of step %d", identity, course.done, total, course.adapter_step
        )
    return course


def start_and_end(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean loss over the first and the last tenth of the steps on clips and on photos."""
    losses: dict[str, list[float]] = {}
    for row in rows:
        losses.setdefault(row["kind"], []).append(row["loss"])
    ends = {}
    for kind, values in sorted(losses.items()):
        count = max(len(values) // 10, 1)
        ends[kind] = {"start": sum(values[:count]) / count, "end": sum(values[-count:]) / count}
    return ends


def _publish(clips: Path, folder: Path, last: int) -> None:
    """Make `folder` hold this training's validation clips, up to that of step `last`, and no other's."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("step_*.mp4"):
        stale.unlink()
    for clip in sorted(clips.glob("step_*.mp4")):
        if int(clip.stem.removeprefix("step_")) > last:
            continue  # left by one that took more steps, with more patience
        with atomic(folder / clip.name) as temporary:
            shutil.copyfile(clip, temporary)


@contextlib.contextmanager
def deterministic(wanted: bool | None) -> Iterator[None]:
    """Equal bytes from equal steps inside the block, if they are wanted; None: where no GPU would be slowed down."""
    if not (wanted or (wanted is None and not torch.cuda.is_available())):
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing here reads what it has not written
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
