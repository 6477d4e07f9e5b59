"""What each training setting does to a person's LoRA: 12 photos of somebody whom the model has never seen, one setting changed.

usage: python -m lab.settings.lora_settings [--people 3] [--steps 100] [--only SETTING ...]     (after `snakemake models`)

The person is drawn in a held-out dance, in the dancer's place, and noise is put on that video's latents. How well the model with
the LoRA explains the noise within the head, with the person's embedding and reference, tells more than renders do in so short a
time: all settings see the same noise. Prints, for each person and as shares of what they are without a LoRA, the loss in the
head and the recogniser's own (how far the guesses, decoded, are from the person), and seconds a step.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from facedance.config import params
from facedance.config.captions import TrainingTexts
from facedance.config.params import Params
from facedance.config.sections import Phase, Train
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.sight import surest_face
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.files import sha256
from facedance.latents.encode import save_latents
from facedance.train.dataset import Dataset, Source, read_dataset
from facedance.train.example import generator, make_example
from facedance.train.identity_loss import IdentityLoss, load_identity_loss
from facedance.train.items import Item
from facedance.train.learner import Learner, schedule
from facedance.video.frames import resized
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.encoder import LatentEncoder
from facedance.wan.face_branch import FaceBranch
from facedance.wan.load import choose_device, load_transformer, load_vae
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.identity.cast import NAMES, folder_name
from lab.identity.clips import make_clip
from lab.identity.sitters import Sitter, photograph_sitter, read_sitters
from lab.identity.training import PROMPT, Trainer

MODEL, FACES, POSE = Path("models/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
SIGMAS = (0.3, 0.5, 0.7, 0.9)
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "as in params.yaml, photos alone": {},
    **{f"seed {seed}": {"seed": seed} for seed in (1, 2)},
    **{f"learning_rate {rate:g}": {"learning_rate": rate} for rate in (2e-5, 5e-5, 1e-4, 2e-4, 1e-3)},
    **{f"lora_rank {rank}": {"lora_rank": rank, "lora_alpha": rank} for rank in (4, 64)},
    "lora_targets: attention": {"lora_targets": ATTENTION},
    **{f"steps x {factor:g}": {"steps": factor} for factor in (0.3, 3)},
    "batch_size 8, a quarter of the steps": {"batch_size": 8, "steps": 0.25},
    **{f"{count} photos": {"photos": count} for count in (3, 5, 10)},
    **{f"photo_share {share:g}": {"photo_share": share} for share in (0.8, 0.5)},
    **{f"face_weight {weight}": {"face_weight": weight} for weight in (0, 16)},
    **{f"noise_shift {shift}": {"noise_shift": shift} for shift in (1, 5)},
    **{f"reference_dropout {share}": {"reference_dropout": share} for share in (0, 1)},
    **{f"face_dropout {share}": {"face_dropout": share} for share in (0, 0.5)},
    **{f"text_dropout {share}": {"text_dropout": share} for share in (0, 0.5)},
    **{f"identity_weight {weight}": {"identity_weight": weight} for weight in (0, 1, 16)},
    "identity_weight 0, steps x 3": {"identity_weight": 0, "steps": 3},
    **{f"lora_alpha {alpha}": {"lora_alpha": alpha} for alpha in (8, 32)},
    "ema_decay 0.95": {"ema_decay": 0.95},
    "weight_decay 0.1": {"weight_decay": 0.1},
    "final_learning_rate 1": {"final_learning_rate": 1.0},
    "max_grad_norm 0.1": {"max_grad_norm": 0.1},
    "warmup_steps 0": {"warmup_steps": 0},
    "face and lora": {"trains": (("face", "lora"),)},
    "face, then face and lora": {"trains": (("face",), ("face", "lora"))},
}
"""By name, what differs from params.yaml; `photos` is their number, `steps` a factor, `trains` what each phase trains, all
phases being equally long. Without `photo_share` there are photos only."""


@dataclass(frozen=True)
class Subject:
    """Somebody to train on, and the video that tells how well it went."""

    name: str
    dataset: Dataset
    truth: Item
    text: torch.Tensor
    identity_loss: IdentityLoss


def main() -> None:
    """Print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, metavar="SETTING")
    given = parser.parse_args()
    project = params.load(Path("params.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        subjects = find_subjects(project, given.people, Path(folder))
        print(f"{given.steps} steps, {torch.get_num_threads()} threads; {', '.join(s.name for s in subjects)}", flush=True)
        untrained = [losses(new_learner(project.train, subject, branch()), subject) for subject in subjects]
        for name in given.only or SETTINGS:
            results = [learn(project.train, SETTINGS[name], given.steps, subject, branch()) for subject in subjects]
            shares = [after / before for (after, _), before in zip(results, untrained, strict=True)]  # (2,) each
            each = "   ".join(f"{head:.3f} {seen:.3f}" for head, seen in shares)
            print(f"{name:38} {each}   {mean(s for _, s in results):.2f} s a step", flush=True)


def find_subjects(project: Params, count: int, folder: Path) -> list[Subject]:
    """The first `count` people of the benchmark; for each, dances of the others are the clips beside the photos."""
    backend = DlibBackend(FACES)
    judge = LandmarkJudge(installed_predictor())
    folders = [folder / folder_name(name) for name in NAMES[:count]]
    for one in folders:
        photograph_sitter(one, backend, judge, project.faces)
    people = read_sitters(folders)
    encoder = LatentEncoder(load_vae(MODEL, choose_device()), *project.wan.sizes[0])
    danced = {who.name: dance(project, who, encoder, backend, folder) for who in people}
    trainer = Trainer(MODEL, project.wan, project.train, project.faces, project.poses, backend, FACES, POSE)
    subjects = []
    for who in people:
        files = trainer.files(who)
        others = tuple(source for name, (source, _) in danced.items() if name != who.name)
        item = replace(danced[who.name][1], reference=encoder.reference(read_picture(who.folder / "reference.png")))
        dataset = replace(read_dataset(files, project.wan, project.train, TrainingTexts.one(PROMPT)), clips=others)
        identity_loss = load_identity_loss(MODEL, FACES, choose_device())
        subjects.append(Subject(who.name, dataset, item, load_file(files.prompts)[PROMPT], identity_loss))
    return subjects


def dance(project: Params, who: Sitter, encoder: LatentEncoder, backend: DlibBackend, folder: Path) -> tuple[Source, Item]:
    """Somebody in a dance, as a clip to learn from and as an item with the landmarks of its last frame."""
    clip = make_clip(who.face, who.name, 0, project.wan, project.poses, POSE)
    path, size = folder / f"{who.name}.safetensors", project.wan.sizes[0]
    save_latents(path, {"video": encoder.video(clip.truth), "control": encoder.control(clip.control)})
    face = torch.from_numpy(who.embedding.vector)
    source = Source(who.name, "clip", path, sha256(path), clip.heads, size, face)
    last = surest_face(resized(clip.truth[-1:], project.wan.clip_size(project.wan.sizes[0]))[0], backend)
    if last is None:
        sys.exit(f"dlib finds no face of {who.name} at the end of the dance: take fewer people")
    return source, replace(source.load(), landmarks=torch.from_numpy(last.landmarks / project.wan.clip_scale))


def branch() -> FaceBranch:
    """The face branch that the tiny model comes with."""
    pretrained = load_face_branch(MODEL / FACE_BRANCH)
    if pretrained is None:
        sys.exit(f"{MODEL} has no face branch: `snakemake models` puts the tiny model there")
    return pretrained


def learn(
    train: Train, changes: Mapping[str, Any], steps: int, subject: Subject, pretrained: FaceBranch | None
) -> tuple[NDArray[np.float64], float]:
    """The losses after a training that begins with a face branch, or with a new one, and seconds a step."""
    settings = {"photo_share": 1.0, "gradient_checkpointing": False, **changes}
    photos, trains = settings.pop("photos", None), settings.pop("trains", (("lora",),))
    each = round(steps * settings.pop("steps", 1) / len(trains))
    phases = tuple(Phase(steps=each, trains=parts) for parts in trains)
    learner = new_learner(train.model_copy(update={**settings, "phases": phases}), subject, pretrained)
    dataset = replace(subject.dataset, photos=subject.dataset.photos[:photos])
    started = time.monotonic()
    take_steps(learner, dataset)
    seconds = (time.monotonic() - started) / (each * len(phases))
    return losses(learner, subject), seconds


def take_steps(learner: Learner, dataset: Dataset) -> None:
    """All steps of a training."""
    for step, _, phase in schedule(learner.train):
        learner.step(dataset, step, phase)
    learner.use_average()


def new_learner(train: Train, subject: Subject, pretrained: FaceBranch | None) -> Learner:
    """The model with a LoRA that does nothing yet, and a face branch, which does nothing either where it is a new one."""
    transformer = load_transformer(MODEL, torch.float32, choose_device())
    config = adapter_config(train, transformer, len(subject.dataset.identity), pretrained)
    identity_loss = subject.identity_loss if train.identity_weight else None
    return Learner(transformer, attach(transformer, config, train.seed, pretrained), train, identity_loss=identity_loss)


def losses(learner: Learner, subject: Subject, face: torch.Tensor | None = None) -> NDArray[np.float64]:
    """The loss in the head and the recogniser's (2,), means over noise levels; that one counts whether it has taught or not.

    The model is given the person's embedding, or `face` (D,); the recogniser looks for the person.
    """
    seen = Learner(learner.transformer, learner.branch, learner.train, identity_loss=subject.identity_loss)
    found = []
    for number, sigma in enumerate(SIGMAS):
        example = make_example(
            subject.truth, text=subject.text, embedding=subject.dataset.identity if face is None else face, sigma=sigma,
            with_reference=True, face_weight=0.0, random=generator(number),
        )  # fmt: skip
        (lost,) = seen.losses(replace(example, shown=subject.dataset.identity[None]))
        assert lost.face is not None
        assert lost.identity is not None
        found.append((lost.face, lost.identity))
    return np.array(found).mean(axis=0)


if __name__ == "__main__":
    main()
