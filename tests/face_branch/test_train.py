"""A whole training of a face branch: what it leaves, and that a killed one ends with the same bytes."""

import multiprocessing
import os
import signal

import pandas as pd
import pytest
import torch

from facedance.face_branch import train as training
from facedance.face_branch.train import train_face_branch
from facedance.files import read_json, sha256
from facedance.job import InputError
from facedance.train.distributed import ALONE, Rank, in_processes
from facedance.train.learner import Learner
from facedance.wan.load import load_transformer
from facedance.wan.pretrained_face import load_face_branch
from tests.face_branch.portrait_world import CHOSEN, SMALL, files_in, judging
from tests.train.training_world import WAN, D


def run(people, out, rank=ALONE, **changes):
    torch.set_num_threads(1)
    chosen = CHOSEN.model_copy(update=changes)
    train_face_branch(files_in(people, out), WAN, SMALL, chosen, judging(), rank)


def run_and_die(people, out):
    """Kill this process by SIGKILL in the middle of the fourth step."""
    original, calls = Learner.accumulate, 0

    def accumulate(self, example):
        nonlocal calls
        calls += 1
        if calls == 1 + 4:  # the first call looks for gradients
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, example)

    Learner.accumulate = accumulate
    run(people, out)


@pytest.fixture(scope="module")
def whole(people, tmp_path_factory):
    """A training that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run(people, folder)
    return folder


def written(out):
    return {path.name: sha256(path) for path in sorted((out / "branch").iterdir())}


def test_the_branch_and_its_card(people, whole):
    branch = load_face_branch(whole / "branch", D)
    assert branch.sizes.tokens == SMALL.face_tokens
    card = read_json(whole / "branch/card.json")
    assert (card["licence"], card["people"], card["people_held_out"], card["portraits_left_out"]) == ("ours", 3, 2, 1)
    assert card["weights"] == sha256(whole / "branch/model.safetensors")
    assert card["training"]["steps"] == len(pd.read_csv(whole / "metrics.csv")) == CHOSEN.steps
    assert all(score["renders"] == 2 for score in card["scores"].values())


def test_the_branch_has_learned_and_changes_what_the_transformer_says(people, whole):
    branch = load_face_branch(whole / "branch")
    assert all(block.out_up.weight.any() for block in branch.blocks)
    transformer = load_transformer(people / "model", torch.float32, torch.device("cpu"))
    branch.attach(transformer)
    inputs = {
        "hidden_states": torch.ones(1, 48, 1, 2, 2), "control_hidden_states": torch.ones(1, 160, 1, 2, 2),
        "timestep": torch.tensor([500.0]), "encoder_hidden_states": torch.ones(1, 3, 64), "return_dict": False,
    }  # fmt: skip
    without = transformer(**inputs)[0]
    with branch.condition(torch.nn.functional.normalize(torch.ones(1, 1, D), dim=-1), 1.0):
        assert not torch.equal(transformer(**inputs)[0], without)


def test_a_killed_training_goes_on_to_the_same_bytes(people, whole, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=run_and_die, args=(people, tmp_path))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert len(list((tmp_path / "state").rglob("*.safetensors"))) == 1
    run(people, tmp_path)
    assert written(tmp_path) == written(whole)


def run_in_two(people, out):
    opened = training.open_backend
    training.open_backend = lambda *given: (out / f"{os.getpid()}.opened").touch() or opened(*given)
    in_processes(2, lambda rank: run(people, out, rank))


@pytest.mark.thorough
def test_two_processes_learn_what_one_does(people, whole, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=run_in_two, args=(people, tmp_path))
    process.start()
    process.join(300)
    assert process.exitcode == 0
    assert len(list(tmp_path.glob("*.opened"))) == 1, "only the process that judges opens the recogniser"
    alone, together = (load_face_branch(folder / "branch").state_dict() for folder in (whole, tmp_path))
    assert all(torch.allclose(alone[name], together[name], atol=2e-3) for name in alone)


def test_the_recogniser_may_teach(people, tmp_path):
    run(people, tmp_path, steps=2, identity_weight=0.5)
    losses = pd.read_csv(tmp_path / "metrics.csv")["identity_loss"]
    assert (losses > 0).all()


def test_more_processes_than_portraits_in_a_batch_are_refused(people, tmp_path):
    with pytest.raises(InputError, match=r"face_branch\.batch_size 4 leaves some of 5 GPUs idle"):
        run(people, tmp_path, Rank(0, 5))
