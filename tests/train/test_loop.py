"""A whole training: what it leaves, and that a killed one ends with the same bytes."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from facedance.config import params
from facedance.config.sections import Phase, Train
from facedance.files import read_json
from facedance.job import InputError
from facedance.train.distributed import ALONE, Rank, in_processes
from facedance.train.learner import Learner, learning_rate, schedule
from facedance.train.loop import AdapterFiles, deterministic, train_identity
from facedance.train.validate import SIGMAS
from facedance.video.times import inspect
from facedance.wan.adapter import read_adapter
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pretrained_face import load_face_branch, save_face_branch
from lab.tiny.model import BLOCKS, DIM
from tests.train.training_world import SAID, TRAIN, WAN, D, changed, files_in


def run_training(world: Path, out: Path, train: Train = TRAIN, rank: Rank = ALONE) -> None:
    torch.set_num_threads(1)
    written = AdapterFiles(
        state=out / "state",
        adapter=out / "adapter.safetensors",
        meta=out / "meta.json",
        metrics=out / "metrics.csv",
        likeness=out / "validation.csv",
        validation=out / "validation",
    )
    train_identity("ann", files_in(world), written, WAN, train, SAID, rank)


def run_training_in_two(world: Path, out: Path, train: Train) -> None:
    """In a process that has computed nothing yet, as a rule's script has not."""
    try:
        in_processes(2, lambda rank: run_training(world, out, train, rank))
    except InputError as error:
        (out / "error.txt").write_text(str(error))


def run_training_and_die(world: Path, out: Path, step: int) -> None:
    """Kill this process by SIGKILL in the middle of a step: when it has gradients and has not used them."""
    take, accumulate, now = Learner.step, Learner.accumulate, 0

    def noted(self, dataset, number, phase):
        nonlocal now
        now = number
        return take(self, dataset, number, phase)

    def killed(self, example):
        losses = accumulate(self, example)
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return losses

    Learner.step, Learner.accumulate = noted, killed
    run_training(world, out)


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """A training that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run_training(world, folder)
    return folder


def test_schedule_counts_steps_through_the_phases():
    assert [(step, number) for step, number, _ in schedule(TRAIN)] == [(i, 1) for i in range(1, 8)] + [
        (i, 2) for i in range(8, 12)
    ]


def test_a_training_leaves_what_it_promises(whole):
    metrics = pd.read_csv(whole / "metrics.csv")
    assert metrics.columns.tolist() == [
        "step",
        "phase",
        "kind",
        "loss",
        "face_loss",
        "identity_loss",
        "lr",
        "grad_norm",
        "seconds",
    ]
    assert metrics["step"].tolist() == list(range(1, 12))
    assert set(metrics["kind"]) == {"clip", "photo"}
    assert (metrics["identity_loss"].notna() == (metrics["kind"] == "photo")).all(), "only photos have landmarks"
    adapter = load_file(whole / "adapter.safetensors")
    assert any(t.any() for n, t in adapter.items() if "lora_B" in n)
    meta = read_json(whole / "meta.json")
    assert (meta["steps"], meta["heldout_clip"], meta["clips"], meta["photos"]) == (11, "b_000", 3, 2)
    learned = {n: t for n, t in adapter.items() if n not in {"face.mean", "face.deviation"}}
    counts = {part: sum(t.numel() for n, t in learned.items() if n.startswith(part)) for part in ("face", "lora")}
    assert meta["trainable_parameters"] == counts
    assert meta["loss"]["clip"]["start"] == pytest.approx(metrics.loc[metrics["kind"] == "clip", "loss"].iloc[0])


def test_the_curves_are_those_of_the_metrics(whole):
    (folder,) = (whole / "state").glob("*/tensorboard")
    events = EventAccumulator(str(folder)).Reload()
    metrics = pd.read_csv(whole / "metrics.csv")
    for kind, rows in metrics.groupby("kind"):
        drawn = events.Scalars(f"loss/{kind}")
        assert [point.step for point in drawn] == rows["step"].tolist()
        np.testing.assert_allclose([point.value for point in drawn], rows["loss"], rtol=1e-6)


def test_the_curves_go_to_the_users_project_too(world, tmp_path, monkeypatch):
    started, sent = [], []

    @contextlib.contextmanager
    def init(**given):
        started.append(given)
        yield SimpleNamespace(log=lambda values, step: sent.append((step, values)))

    monkeypatch.setenv("WANDB_PROJECT", "dances")
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    run_training(world, tmp_path, changed(phases=(Phase(steps=2, trains=("lora",)),)))
    (run,), (state,) = started, (tmp_path / "state").iterdir()
    assert (run["project"], run["id"]) == ("dances", state.name)
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    assert [step for step, _ in sent] == [1, 2]
    losses = [values[f"loss/{kind}"] for (_, values), kind in zip(sent, metrics["kind"], strict=True)]
    np.testing.assert_allclose(losses, metrics["loss"], rtol=1e-6)


def test_a_project_without_its_package_is_refused(world, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "dances")
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match="pip install wandb"):
        run_training(world, tmp_path, TRAIN)


def test_a_training_starts_from_the_models_own_face_branch(world, tmp_path):
    world = shutil.copytree(world, tmp_path / "world")
    folder = world / "model" / "face_branch"
    torch.manual_seed(0)
    branch = FaceBranch(embedding_dim=D, dim=DIM, blocks=BLOCKS, tokens=3, rank=5, width=8)
    branch.mean.normal_(std=0.3)
    once = changed(phases=(Phase(steps=1, trains=("lora",)),))
    states = set()
    for deviation in (0.25, 0.5):
        branch.deviation.fill_(deviation)
        save_face_branch(branch, folder, "dlib")
        run_training(world, tmp_path, once)
        adapter = read_adapter(tmp_path / "adapter.safetensors")
        assert adapter.config.face == branch.sizes  # not the sizes in TRAIN
        assert all(torch.equal(adapter.face[n], t) for n, t in load_face_branch(folder).state_dict().items())
        states |= {path.name for path in (tmp_path / "state").iterdir()}
    assert len(states) == 2, "the branch's bytes must be part of what a training is known by"

    other = FaceBranch(embedding_dim=D // 2, dim=DIM, blocks=BLOCKS, tokens=3, rank=5, width=8)
    save_face_branch(other, folder, "dlib")
    with pytest.raises(InputError, match=r"dlib's embeddings of 64 numbers and the person's has 128: set faces\.backend"):
        run_training(world, tmp_path, once)


def test_a_killed_training_ends_with_the_same_bytes(world, whole, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=run_training_and_die, args=(world, tmp_path, 9))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "adapter.safetensors").exists()
    (state,) = (tmp_path / "state").iterdir()
    assert sorted(p.name for p in state.glob("*.json")) == ["step_0000003.json", "step_0000006.json"]
    run_training(world, tmp_path)
    for name in ("adapter.safetensors", "meta.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    resumed, uninterrupted = (pd.read_csv(folder / "metrics.csv").drop(columns="seconds") for folder in (tmp_path, whole))
    pd.testing.assert_frame_equal(resumed, uninterrupted)


@pytest.fixture
def in_two(world, tmp_path):
    def run(train: Train) -> Path:
        process = multiprocessing.get_context("spawn").Process(target=run_training_in_two, args=(world, tmp_path, train))
        process.start()
        process.join(240)
        assert process.exitcode == 0
        return tmp_path

    return run


def test_two_processes_end_with_the_bytes_of_one(world, in_two, tmp_path_factory):
    """Their sums are exact, as a batch has two items, and clips are taken one by one."""
    train = changed(photo_share=0.0, phases=(Phase(steps=3, trains=("face", "lora")),), validate_every=3)
    alone = tmp_path_factory.mktemp("alone")
    run_training(world, alone, train)
    out = in_two(train)
    for name in ("adapter.safetensors", "meta.json"):
        assert (out / name).read_bytes() == (alone / name).read_bytes(), name
    ours, theirs = (pd.read_csv(folder / "metrics.csv").drop(columns="seconds") for folder in (alone, out))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_a_larger_batch_has_the_same_losses_in_two_processes(world, in_two, tmp_path_factory):
    train = changed(batch_size=3, phases=(Phase(steps=4, trains=("face", "lora")),))
    alone = tmp_path_factory.mktemp("alone")
    run_training(world, alone, train)
    ours, theirs = (pd.read_csv(folder / "metrics.csv") for folder in (alone, in_two(train)))
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-4)
    np.testing.assert_allclose(ours["grad_norm"], theirs["grad_norm"], rtol=1e-3)


def test_idle_processes_are_refused(in_two):
    assert "batch_size 1 leaves some of 2 GPUs idle" in (in_two(changed(batch_size=1)) / "error.txt").read_text()


def test_a_finished_training_is_not_done_again_but_another_is(world, whole, tmp_path, monkeypatch):
    def step(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr(Learner, "step", step)
    before = (whole / "adapter.safetensors").read_bytes()
    (whole / "adapter.safetensors").unlink()
    run_training(world, whole)
    assert (whole / "adapter.safetensors").read_bytes() == before
    with pytest.raises(AssertionError, match="a step was taken"):
        run_training(world, whole, changed(seed=1))


def test_when_a_training_has_ended_the_checkpoints_of_other_settings_are_removed(world, tmp_path, caplog):
    caplog.set_level("INFO", "facedance")
    once = {"phases": (Phase(steps=1, trains=("lora",)),)}
    run_training(world, tmp_path, changed(**once))
    (first,) = (tmp_path / "state").iterdir()
    assert "removed" not in caplog.text
    run_training(world, tmp_path, changed(**once, seed=1))
    (second,) = (tmp_path / "state").iterdir()
    assert first != second
    assert "ann: removed the checkpoints of earlier settings (1)" in caplog.text


def test_the_average_is_what_is_saved(world, whole, tmp_path):
    run_training(world, tmp_path, changed(ema_decay=0.0))
    last, average = (load_file(folder / "adapter.safetensors") for folder in (tmp_path, whole))
    assert any(not torch.equal(last[name], average[name]) for name in last)
    norm = sum(t.square().sum() for n, t in last.items() if "lora_B" in n)
    assert sum(t.square().sum() for n, t in average.items() if "lora_B" in n) < norm  # the average lags behind


def test_validation_shows_the_held_out_dance_and_its_losses(world, tmp_path):
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "step_99.mp4").write_bytes(b"of another training")
    train = changed(phases=(Phase(steps=4, trains=("face", "lora")),), validate_every=2)
    run_training(world, tmp_path, train)
    assert sorted(path.name for path in (tmp_path / "validation").iterdir()) == ["step_2.mp4", "step_4.mp4"]
    assert pd.read_csv(tmp_path / "validation.csv").empty, "nobody judges here"
    video = inspect(tmp_path / "validation" / "step_4.mp4")
    assert (video.width, video.height, len(video.timestamps)) == (*WAN.sizes[0], WAN.frames)
    heldout = read_json(tmp_path / "meta.json")["heldout"]
    assert [(row["step"], row["sigma"], row["face"]) for row in heldout] == [
        (step, sigma, face) for step in (2, 4) for sigma in SIGMAS for face in ("right", "wrong", "none")
    ]


def test_the_defaults_of_params_yaml_are_a_training():
    train = params.load(Path(__file__).parents[2] / "params.yaml").train
    assert learning_rate(train, sum(phase.steps for phase in train.phases)) == pytest.approx(
        train.learning_rate * train.final_learning_rate
    )


@pytest.mark.parametrize(
    ("wanted", "gpu", "expected"), [(None, False, True), (None, True, False), (True, True, True), (False, False, False)]
)
def test_kernels_are_deterministic_where_that_is_wanted_or_free(
    monkeypatch: pytest.MonkeyPatch, wanted: bool | None, gpu: bool, expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    with deterministic(wanted):
        assert torch.are_deterministic_algorithms_enabled() == expected
    assert not torch.are_deterministic_algorithms_enabled()
