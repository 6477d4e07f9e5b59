"""What a person's training is worth on a model with no face branch, and on one with a branch of `lab.face_branch.show`.

usage: python -m lab.face_branch.person BRANCH [--people 2] [--steps 300]        (after `snakemake models`)

BRANCH is `models/bare/face_branch` of that command's folder. The tiny model's own branch is taken out. Prints, for people whom
neither has seen, the loss in the head and the recogniser's own (how far the guesses, decoded, are from the person), as shares of
what they are with nothing: the measures of `lab.settings.lora_settings`.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from facedance.config import params
from facedance.wan.pretrained_face import load_face_branch
from lab.settings.lora_settings import find_subjects, learn, losses, new_learner

WAYS: Mapping[str, tuple[bool, Mapping[str, Any] | None]] = {
    "the branch alone, no training": (True, None),
    "LoRA alone": (False, {}),
    "LoRA and a new branch": (False, {"trains": (("face", "lora"),)}),
    "LoRA beside the branch": (True, {}),
    "LoRA and the branch": (True, {"trains": (("face", "lora"),)}),
}
"""By name, whether the branch is there, and what differs from a training as lora_settings has it; None: there is none."""


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("branch", type=Path)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    train = params.load(Path("params.yaml")).train
    with tempfile.TemporaryDirectory() as folder:
        subjects = find_subjects(params.load(Path("params.yaml")), given.people, Path(folder))
        print(f"{given.steps} steps, {torch.get_num_threads()} threads; {', '.join(s.name for s in subjects)}", flush=True)
        nothing = [losses(new_learner(train, subject, None), subject) for subject in subjects]
        for name, (with_branch, changes) in WAYS.items():
            each = []
            for subject, before in zip(subjects, nothing, strict=True):
                branch = load_face_branch(given.branch) if with_branch else None
                if changes is None:
                    after = losses(new_learner(train, subject, branch), subject)
                else:
                    after, _ = learn(train, changes, given.steps, subject, branch)
                each.append("{:.3f} {:.3f}".format(*(after / before)))
            print(f"{name:30} {'   '.join(each)}", flush=True)


if __name__ == "__main__":
    main()
