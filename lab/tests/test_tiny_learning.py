"""The loop of the tiny model's trainings."""

import pytest
import torch
from torch import nn

from facedance.job import InputError
from lab.tiny.learning import learn, round_folders, state_folder
from lab.tiny.muon import Muon
from lab.tiny.recipe import TinyRound


def train(state, loss, steps=3, ema=0.0):
    weights = {"w": nn.Parameter(torch.zeros(1))}
    seen = []

    def losses(step):
        seen.append(weights["w"].item())
        return {"odd" if step % 2 else "even": loss(weights["w"])}

    table = learn(
        "test", weights, Muon([], list(weights.values()), 0.1, 0.1), losses, steps=steps, rate_factor=lambda _: 1.0,
        checkpoint_every=steps, state=state, ema=ema,
    )  # fmt: skip
    return weights["w"].item(), seen, table


def test_the_average_takes_the_place_of_the_weights(tmp_path):
    def loss(weight):
        return (weight - 5).square().sum()

    last, seen, table = train(tmp_path / "alone", loss)
    averaged, seen_too, _ = train(tmp_path / "averaged", loss, ema=0.5)
    assert seen == seen_too, "the average is not what learns"
    expected = 0.0
    for step, value in enumerate([*seen[1:], last], start=1):
        decay = min(0.5, (step + 1) / (step + 20))
        expected = decay * expected + (1 - decay) * value
    assert averaged == pytest.approx(expected)
    assert 0 < averaged < last
    assert table["even"].notna().tolist() == [False, True, False]
    assert train(tmp_path / "averaged", loss, ema=0.5)[0] == averaged, "from the last checkpoint"


def test_a_gradient_that_is_not_finite_is_said(tmp_path):
    with pytest.raises(InputError, match=r"training of the test diverged at step 1 .*lower its rate"):
        train(tmp_path, lambda weight: weight.sum() * float("nan"))


def test_other_settings_and_other_files_do_not_go_on_with_a_training(tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"1")
    folder = state_folder(tmp_path, {"rate": 1}, [file])
    assert folder.parent == tmp_path
    assert state_folder(tmp_path, {"rate": 1}, [file]) == folder
    assert state_folder(tmp_path, {"rate": 2}, [file]) != folder
    file.write_bytes(b"2")
    assert state_folder(tmp_path, {"rate": 1}, [file]) != folder


def test_a_round_goes_on_from_the_same_rounds_before_it_and_may_end_sooner(tmp_path):
    rounds = [TinyRound(people=1, estimated=0, steps=steps, decay=2) for steps in (4, 6, 8)]
    first, second, third = round_folders(tmp_path, 1, rounds, [])
    more = [*rounds, rounds[0]]
    assert round_folders(tmp_path, 1, more, [])[:3] == [first, second, third]
    sooner = [rounds[0], rounds[1].model_copy(update={"steps": 5}), rounds[2]]
    assert [path == old for path, old in zip(round_folders(tmp_path, 1, sooner, []), (first, second, third), strict=True)] == [
        True, True, False,
    ]  # fmt: skip
    assert not {*round_folders(tmp_path, 2, rounds, [])} & {first, second, third}
