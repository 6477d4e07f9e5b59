"""Likeness decides: which weights become the adapter, when a training ends, and that a stopped one decides the same."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from facedance.config.sections import Phase, Train
from facedance.evaluate.choice import FACES_MARGIN, PCK_MARGIN
from facedance.evaluate.likeness import Likeness
from facedance.files import read_json
from facedance.train import judging, loop, validate
from facedance.train.dataset import Source
from facedance.train.judging import JudgeFiles, Judging
from facedance.train.loop import AdapterFiles, train_identity
from facedance.train.selection import Judged, Selection, best_of, contenders, has_ended
from tests.train.training_world import SAID, WAN, changed, files_in

JUDGES = JudgeFiles("dlib", Path("pose.task"), [], Path("reference.png"))


def looks(*figures: tuple[float | None, float, float], phases: tuple[int, ...] = ()) -> list[Judged]:
    """Validations of distance, faces found and PCK."""
    return [
        Judged(10 * i, phase, Likeness(faces, distance, pck, None))
        for i, ((distance, faces, pck), phase) in enumerate(itertools.zip_longest(figures, phases, fillvalue=1), 1)
    ]


def chosen(*figures: tuple[float | None, float, float]) -> int | None:
    best = best_of(looks(*figures))
    return None if best is None else best.step


def test_the_nearest_is_chosen_and_of_equals_the_first():
    assert chosen((0.5, 1.0, 0.9), (0.4, 1.0, 0.9), (0.4, 1.0, 0.9), (0.45, 1.0, 0.9)) == 20


def test_whoever_hides_the_face_or_leaves_the_dance_is_not_chosen():
    assert chosen((0.5, 1.0, 0.9), (0.2, 1 - FACES_MARGIN - 0.01, 0.9)) == 10
    assert chosen((0.5, 1.0, 0.9), (0.2, 1 - FACES_MARGIN + 0.01, 0.9)) == 20
    assert chosen((0.5, 1.0, 0.9), (0.2, 1.0, 0.9 - PCK_MARGIN - 0.01)) == 10
    assert chosen((0.5, 1.0, 0.9), (0.2, 1.0, 0.9 - PCK_MARGIN + 0.01)) == 20
    assert chosen((0.5, 1.0, 0.3), (None, 0.0, 0.9)) == 10, "of those without a face the pose does not count"
    assert chosen((None, 0.0, 0.9), (None, 0.0, 0.8)) is None


def test_only_those_are_kept_that_can_still_be_chosen():
    """Whatever comes next, what the rule chooses of all is among those kept."""
    random = np.random.default_rng(0)
    for _ in range(200):
        figures = random.integers(0, 5, (7, 3)) / 5
        judged = looks(*((distance, faces, pck) if faces else (None, 0.0, pck) for distance, faces, pck in figures.tolist()))
        kept: list[Judged] = []
        for count, one in enumerate(judged, 1):
            kept = contenders([*kept, one])
            best = best_of(judged[:count])
            assert best is None or best in kept
            assert best is None or best == best_of(kept)
    assert len(contenders(looks((0.5, 1, 0.9), (0.4, 1, 0.9), (0.3, 1, 0.8), (0.45, 1, 0.85)))) == 2


def test_a_training_ends_when_nothing_better_comes_or_the_pose_falls():
    better, worse, fallen = (0.4, 1.0, 0.9), (0.5, 1.0, 0.9), (0.4, 1.0, 0.9 - PCK_MARGIN - 0.01)
    assert not has_ended(looks(worse, better, worse), patience=2, last_phase=1)
    assert has_ended(looks(worse, better, worse, worse), patience=2, last_phase=1)
    assert has_ended(looks(worse, fallen), patience=9, last_phase=1)
    nobody = (None, 0.0, 0.9)
    assert not has_ended(looks(nobody, nobody, nobody), patience=1, last_phase=1), "nothing can be said without a face"


def test_a_training_does_not_end_before_its_last_phase_has_had_its_time():
    better, worse = (0.4, 1.0, 0.9), (0.5, 1.0, 0.9)
    assert not has_ended(looks(better, worse, worse, worse, phases=(1, 1, 1, 1)), patience=2, last_phase=2)
    assert not has_ended(looks(better, worse, worse, worse, phases=(1, 1, 1, 2)), patience=2, last_phase=2)
    assert has_ended(looks(better, worse, worse, worse, phases=(1, 1, 2, 2)), patience=2, last_phase=2)


def test_a_selection_comes_back_from_a_checkpoint_as_it_was():
    selection = Selection(kept={})
    for number, one in enumerate(looks((0.4, 0.9, 0.9), (0.5, 1.0, 0.9), (0.6, 1.0, 0.8))):
        selection = selection.with_one_more(one, {"lora.a": torch.full((2,), float(number))})
    assert sorted(selection.tensors()) == ["kept/10/lora.a", "kept/20/lora.a"]
    again = Selection(kept={}).restored(selection.facts(), selection.tensors())
    assert again.judged == selection.judged
    assert torch.equal(again.weights()["lora.a"], selection.weights()["lora.a"])
    assert again.chosen == 10


def run(world: Path, out: Path, train: Train) -> None:
    torch.set_num_threads(1)
    written = AdapterFiles(
        state=out / "state",
        adapter=out / "adapter.safetensors",
        meta=out / "meta.json",
        metrics=out / "metrics.csv",
        likeness=out / "validation.csv",
        validation=out / "validation",
    )
    train_identity("ann", files_in(world), written, WAN, train, SAID, judges=JUDGES)


class Scripted:
    """Judges who say of each step what is written; of step `stop` nothing, once."""

    def __init__(self, distances: dict[int, float], stop: int = 0) -> None:
        self.distances, self.stop = distances, stop

    def likeness(self, video: Path) -> Likeness:
        step = int(video.stem.removeprefix("step_"))
        if step == self.stop:
            self.stop = 0
            raise KeyboardInterrupt
        return Likeness(1.0, self.distances[step], 0.9, 0.05)


@pytest.fixture
def said(monkeypatch):
    """A training whose judges are scripted, and in which nothing is rendered."""
    monkeypatch.setattr(validate, "heldout_losses", lambda learner, dataset: [])
    monkeypatch.setattr(validate, "render_heldout", lambda *_: None)

    def scripted(distances: dict[int, float], stop: int = 0) -> None:
        judges = Scripted(distances, stop)
        monkeypatch.setattr(loop, "open_judging", lambda *_: judges)

    return scripted


def training(steps: int = 8, **values) -> Train:
    quick = {"identity_weight": 0.0, "photo_share": 1.0, "validate_every": 1, "checkpoint_every": 3, "patience": 3}
    return changed(phases=(Phase(steps=steps, trains=("lora",)),), **{**quick, **values})


DISTANCES = dict(enumerate((0.6, 0.5, 0.45, 0.55, 0.4, 0.5, 0.52, 0.5), 1))


def test_the_best_step_is_the_adapter_and_the_training_ends_early(world, tmp_path, said):
    said(DISTANCES)
    run(world, tmp_path / "best", training(steps=11))
    table = pd.read_csv(tmp_path / "best" / "validation.csv")
    assert table["step"].tolist() == list(range(1, 9)), "three looks after step 5 brought nothing better"
    assert table.loc[table["adapter"] == 1, "step"].tolist() == [5]
    np.testing.assert_allclose(table["identity_distance"], list(DISTANCES.values()))
    assert (table["landmark_distance"] == 0.05).all()
    meta = read_json(tmp_path / "best" / "meta.json")
    assert (meta["steps"], meta["adapter_step"]) == (8, 5)
    (events,) = (tmp_path / "best" / "state").glob("*/tensorboard")
    drawn = EventAccumulator(str(events)).Reload().Scalars("validation/identity_distance")
    assert [point.step for point in drawn] == list(range(1, 9))
    said(DISTANCES | dict.fromkeys(range(9, 12), 0.7))
    run(world, tmp_path / "all", training(steps=11, patience=20))
    assert read_json(tmp_path / "all" / "meta.json")["steps"] == 11
    assert (tmp_path / "all" / "adapter.safetensors").read_bytes() == (tmp_path / "best" / "adapter.safetensors").read_bytes()


def test_a_stopped_training_chooses_the_same(world, tmp_path, said):
    """Its last checkpoint is that of step 6, and it is stopped in the look with which the other one ends."""
    said(DISTANCES)
    run(world, tmp_path / "whole", training(steps=11))
    said(DISTANCES, stop=8)
    with pytest.raises(KeyboardInterrupt):
        run(world, tmp_path / "stopped", training(steps=11))
    run(world, tmp_path / "stopped", training(steps=11))
    for name in ("adapter.safetensors", "meta.json", "validation.csv"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_with_another_patience_a_training_ends_as_if_it_had_always_had_it(world, tmp_path, said, monkeypatch):
    taken, step = [], loop.Learner.step

    def counted(self, dataset, number, phase):
        taken.append(number)
        return step(self, dataset, number, phase)

    monkeypatch.setattr(loop.Learner, "step", counted)
    distances = DISTANCES | {9: 0.3, 10: 0.35, 11: 0.35}
    files = ("adapter.safetensors", "meta.json", "validation.csv")

    def trained(folder: str, patience: int, stop: int = 0) -> list[bytes]:
        said(distances, stop)
        taken.clear()
        run(world, tmp_path / folder, training(steps=11, patience=patience))
        return [(tmp_path / folder / name).read_bytes() for name in files]

    more, less, least = (trained(f"fresh {n}", n) for n in (4, 3, 1))
    assert trained("one", 3) == less
    assert trained("one", 4) == more
    assert taken == [9, 10, 11], "it goes on after the step with which it had ended"
    (state,) = (tmp_path / "one" / "state").iterdir()
    (state / "validation").mkdir()
    (state / "validation" / "step_11.mp4").touch()
    with pytest.raises(KeyboardInterrupt):
        trained("one", 1, stop=4)
    assert trained("one", 1) == least
    assert not any((tmp_path / "one" / "validation").iterdir()), "it has not come to step 11"
    assert taken == [4], "it has begun anew, was stopped in its last look, and goes on from step 3"


def test_looks_at_two_dances_are_not_compared(world, tmp_path, said):
    """Photos alone are learned from, so the training goes on while another clip becomes the last one."""
    fewer = shutil.copytree(world, tmp_path / "fewer")
    table = pd.read_csv(world / "clips.csv", keep_default_na=False, dtype=str)
    table[table["clip"] != "b_000"].to_csv(fewer / "clips.csv", index=False)
    said(DISTANCES, stop=8)
    with pytest.raises(KeyboardInterrupt):
        run(fewer, tmp_path, training(steps=11))
    said(dict(zip(range(7, 12), (0.7, 0.65, 0.8, 0.8, 0.8), strict=True)))
    run(world, tmp_path, training(steps=11))
    looks = pd.read_csv(tmp_path / "validation.csv")
    assert looks["step"].tolist() == [7, 8, 9, 10, 11], "its last checkpoint is that of step 6"
    assert looks.loc[looks["adapter"] == 1, "step"].tolist() == [8]
    before = [(tmp_path / name).read_bytes() for name in ("adapter.safetensors", "validation.csv")]
    run(fewer, tmp_path, training(steps=11))
    after = [(tmp_path / name).read_bytes() for name in ("adapter.safetensors", "validation.csv")]
    assert after == before, "no look is to come, so the choice stands"


def test_a_training_that_has_ended_early_is_not_gone_on_with(world, tmp_path, said, monkeypatch):
    said(DISTANCES)
    run(world, tmp_path, training(steps=11))
    before = (tmp_path / "adapter.safetensors").read_bytes()
    (tmp_path / "adapter.safetensors").unlink()

    def step(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr(loop.Learner, "step", step)
    run(world, tmp_path, training(steps=11))
    assert (tmp_path / "adapter.safetensors").read_bytes() == before


def test_with_select_last_the_judges_are_heard_and_the_last_step_is_the_adapter(world, tmp_path, said):
    said(DISTANCES)
    run(world, tmp_path / "last", training(select="last"))
    said(dict.fromkeys(DISTANCES, 0.5) | {8: 0.1})
    run(world, tmp_path / "best", training(select="best", patience=20))
    assert pd.read_csv(tmp_path / "last" / "validation.csv")["adapter"].tolist() == [0] * 7 + [1]
    last, best = (load_file(tmp_path / name / "adapter.safetensors") for name in ("last", "best"))
    assert all(torch.equal(last[name], tensor) for name, tensor in best.items()), "judged and saved: the average"


def test_judges_see_the_pose_of_the_frames_that_are_rendered(tmp_path, monkeypatch):
    rows = [("a_000", 1, frame, "nose", float(frame), 1.0, 1.0) for frame in range(8)]
    columns = ["clip", "dancer", "frame", "joint", "x", "y", "visibility"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "landmarks.parquet")
    monkeypatch.setattr(judging, "open_backend", lambda *_: None)
    monkeypatch.setattr(judging, "open_landmark_judge", lambda: None)
    monkeypatch.setattr(judging, "read_picture", lambda _: None)
    monkeypatch.setattr(judging.Judges, "shape", lambda *_: None)
    monkeypatch.setattr(judging, "load_embeddings", lambda _: {"embedding": type("E", (), {"raw": np.zeros(3, np.float32)})})
    source = Source("a_000", "clip", tmp_path, "", np.zeros((0, 4), np.float32), (8, 8), None)
    read = replace(JUDGES, landmarks=[tmp_path / "landmarks.parquet"])
    seen: list[np.ndarray] = []
    monkeypatch.setattr(judging.Judges, "look", lambda *_: type("S", (), {"scored": np.zeros(1), "people": np.zeros((5, 33, 4))}))
    monkeypatch.setattr(judging, "Footage", lambda *_: None)
    monkeypatch.setattr(judging, "likeness", lambda seen_, target, shapes, driving: seen.append(driving))
    for window in (0, 1):
        opened: Judging = judging.open_judging(files_in(tmp_path), read, replace(source, window=window), WAN)
        opened.likeness(tmp_path / "step_1.mp4")
    first, second = seen
    assert first[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert second[:3, 0, 0].tolist() == [5, 6, 7]
    assert np.isnan(second[3:, 0, 0]).all()
    assert (second[3:, :, 2] == 0).all(), "frames without a pose do not count"
