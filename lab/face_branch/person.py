"""What a person's training is worth on a model with no face branch, and on one with a branch.

usage: python -m lab.face_branch.person FOLDER [--branch models/tiny/face_branch] [--people 2] [--steps 300] [--only WAY ...]
       (after `snakemake models`)

FOLDER is that of `python -m lab.face_branch.show`, whose portraits are the faces of others. The tiny model's own branch is taken
out, and comes back where there is to be one; `--branch` names another, as that command trains one. Neither has seen the people.
Prints for each way and person, as shares of what they are with nothing, the loss in the head and the recogniser's own (how far
the guesses, decoded, are from the person), the measures of `lab.settings.lora_settings`; then that distance alone

- with the face off, the LoRA on: the nearer this is to the distance with the face, the less does face_scale do;
- of this person with the training of the next one, the LoRA off and their own embedding: zero-shot;
- of this person in the blend of both by halves.

What is trained lies in FOLDER/person and is not trained again.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F

from facedance.config import params
from facedance.config.captions import photo_of
from facedance.config.sections import Phase, Train
from facedance.faces.embedding import load_embeddings
from facedance.train.dataset import Dataset, Source
from facedance.train.learner import MANY, Learner
from facedance.train.portraits import read_portraits
from facedance.train.window import window_side
from facedance.wan.adapter import Adapter, adapter_config, apply_adapters, read_adapter, save_adapter
from facedance.wan.load import choose_device, load_transformer
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.identity.cast import folder_name
from lab.settings.lora_settings import MODEL, Subject, find_subjects, losses, new_learner, take_steps

Parts = tuple[Literal["face", "lora"], ...]

LORA: tuple[Parts, ...] = (("lora",),)
BOTH: tuple[Parts, ...] = (("face", "lora"),)


@dataclass(frozen=True)
class Way:
    """How a person is trained: with the branch or without one, what learns, and from whom."""

    with_branch: bool
    trains: tuple[Parts, ...]  # of each phase
    own: bool = False  # whether each photo has its own embedding
    others: float = 0.0  # share of other people's faces


WAYS: Mapping[str, Way] = {
    "the branch alone, no training": Way(True, ()),
    "LoRA alone": Way(False, LORA),
    "LoRA and a new branch": Way(False, BOTH),
    "LoRA and a new branch, each photo's embedding": Way(False, BOTH, own=True),
    "LoRA and a new branch, with others": Way(False, BOTH, own=True, others=0.5),
    "LoRA beside the branch": Way(True, LORA),
    "LoRA and the branch": Way(True, BOTH),
}


def main() -> None:
    """Print a line for each way and person."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--branch", type=Path, default=MODEL / FACE_BRANCH)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", nargs="+", choices=WAYS, metavar="WAY")
    given = parser.parse_args()
    project = params.load(Path("params.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        subjects = find_subjects(project, given.people, Path(folder))
        photos = {s.name: _with_own_embeddings(s.dataset, Path(folder) / folder_name(s.name)) for s in subjects}
        parts = sorted((given.folder / "results/latents/people").glob("*.csv"))
        people = read_portraits(parts, [part.with_suffix(".safetensors") for part in parts], window_side(project.wan))
        others = tuple(portrait for portraits in people.values() for portrait in portraits)
        print(f"{given.steps} steps; {len(others)} portraits of {len(people)} others", flush=True)
        for name in given.only or WAYS:
            way, adapters = WAYS[name], []
            for subject in subjects:
                dataset = replace(
                    subject.dataset, photos=photos[subject.name] if way.own else subject.dataset.photos, others=others
                )
                path = given.folder / "person" / given.branch.parent.name / f"{name} {subject.name} {given.steps}.safetensors"
                if not path.exists():
                    _train(way, project.train, replace(subject, dataset=dataset), given, path)
                adapters.append(read_adapter(path))
            _tell(name, project.train, subjects, adapters)


def _with_own_embeddings(dataset: Dataset, folder: Path) -> tuple[Source, ...]:
    """The person's photos, each with its own embedding, from what the faces stage has left in a folder."""
    own = {name: torch.from_numpy(embedding.vector) for name, embedding in load_embeddings(folder / "photos.safetensors").items()}
    named = ((photo, photo_of(photo.name)) for photo in dataset.photos if isinstance(photo, Source))
    return tuple(replace(photo, embedding=own[name]) for photo, name in named)


def _train(way: Way, train: Train, subject: Subject, given: argparse.Namespace, path: Path) -> None:
    each = round(given.steps / max(len(way.trains), 1))
    phases = tuple(Phase(steps=each, trains=parts) for parts in way.trains) or (Phase(steps=0, trains=("face",)),)
    train = train.model_copy(update={"phases": phases, "other_faces": way.others, "gradient_checkpointing": False})
    branch = load_face_branch(given.branch) if way.with_branch else None
    learner = new_learner(train, subject, branch)
    if way.others and len(subject.dataset.others) >= MANY:
        learner.branch.know(torch.stack([portrait.given for portrait in subject.dataset.others]))
    take_steps(learner, subject.dataset)
    config = adapter_config(train, learner.transformer, len(subject.dataset.identity), branch)
    save_adapter(path, learner.transformer, learner.branch, config, {})


def _tell(name: str, train: Train, subjects: Sequence[Subject], adapters: Sequence[Adapter]) -> None:
    for number, (subject, adapter) in enumerate(zip(subjects, adapters, strict=True)):
        before = losses(new_learner(train, subject, None), subject)
        whole, distance = losses(_applied(train, {"own": (adapter, 1.0)}), subject) / before
        told = [f"loss {whole:.3f}", f"distance {distance:.3f}"]
        nobody = torch.zeros_like(subject.dataset.identity)
        told.append(f"face off {(losses(_applied(train, {'own': (adapter, 1.0)}), subject, nobody) / before)[1]:.3f}")
        if len(subjects) > 1:
            other = (number + 1) % len(subjects)
            zero_shot = losses(_applied(train, {"next": (adapters[other], 1.0)}, lora_scale=0.0), subject)
            mean = F.normalize(subject.dataset.identity + subjects[other].dataset.identity, dim=0)
            halves = _applied(train, {"own": (adapter, 0.5), "next": (adapters[other], 0.5)})
            told += [f"zero-shot {(zero_shot / before)[1]:.3f}", f"blend {(losses(halves, subject, mean) / before)[1]:.3f}"]
        print(f"{name:46} {subject.name:12} {', '.join(told)}", flush=True)


def _applied(train: Train, adapters: Mapping[str, tuple[Adapter, float]], lora_scale: float = 1.0) -> Learner:
    """The model with these adapters, as it renders."""
    transformer = load_transformer(MODEL, torch.float32, choose_device())
    branch: Any = apply_adapters(transformer, adapters, lora_scale)
    return Learner(transformer, branch, train.model_copy(update={"phases": (Phase(steps=0, trains=("face",)),)}))


if __name__ == "__main__":
    main()
