"""Checkpoints: whole or absent, complete, and found again while they are of use."""

from pathlib import Path

import pytest
import torch
from torch import nn

import facedance
from facedance.config.captions import Captions
from facedance.config.sections import Phase
from facedance.rerun.code import with_imports
from facedance.train import checkpoint, learner
from facedance.train.checkpoint import Checkpoint
from facedance.train.key import MATHEMATICS, OTHERS, training_key
from tests.train.training_world import TRAIN, WAN, changed


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"a": torch.full((3,), value)}


def test_the_newest_is_read_and_two_are_kept(tmp_path):
    assert checkpoint.newest(tmp_path) is None
    for step in (5, 10, 15):
        checkpoint.save(tmp_path, Checkpoint(step, tensors(step), {"rows": [step]}))
    last = checkpoint.newest(tmp_path)
    assert (last.step, last.facts) == (15, {"rows": [15]})
    assert torch.equal(last.tensors["a"], torch.full((3,), 15.0))
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"step_00000{n}.{s}" for n in (10, 15) for s in ("json", "safetensors")]


def test_what_a_training_left_that_has_begun_anew_since_is_removed(tmp_path):
    for step in (10, 15, 5):
        checkpoint.save(tmp_path, Checkpoint(step, tensors(step), {}))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_0000005.json", "step_0000005.safetensors"]


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    checkpoint.save(tmp_path, Checkpoint(5, tensors(5), {}))
    checkpoint.save(tmp_path, Checkpoint(10, tensors(10), {}))
    damaged = tmp_path / "step_0000010.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-4])
    assert checkpoint.newest(tmp_path).step == 5
    assert "step_0000010" in caplog.text


def test_tensors_without_their_record_are_no_checkpoint(tmp_path):
    checkpoint.save(tmp_path, Checkpoint(5, tensors(5), {}))
    checkpoint.save(tmp_path, Checkpoint(10, tensors(10), {}))
    (tmp_path / "step_0000010.json").unlink()  # killed between the two files
    assert checkpoint.newest(tmp_path).step == 5


def steps(layer: nn.Linear, optimizer: torch.optim.AdamW, average: dict, count: int) -> None:
    for i in range(count):
        layer(torch.full((2, 3), 1.0 + i)).pow(2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        average["weight"].lerp_(layer.weight.detach(), 0.1)


def training() -> tuple[nn.Linear, torch.optim.AdamW, dict]:
    layer = nn.Linear(3, 2, bias=False)
    nn.init.ones_(layer.weight)
    return layer, torch.optim.AdamW(layer.parameters(), lr=0.1, betas=(0.9, 0.99)), {"weight": layer.weight.detach().clone()}


@pytest.mark.parametrize("part", ["parameter", "optimizer", "average"])
def test_a_restored_training_goes_on_to_the_bit_and_needs_every_part(tmp_path, part):
    layer, optimizer, average = training()
    steps(layer, optimizer, average, 3)
    state = checkpoint.pack({"weight": layer.weight}, optimizer, average)
    checkpoint.save(tmp_path, Checkpoint(3, state, {}))
    steps(layer, optimizer, average, 2)

    def resumed(tensors: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        layer, optimizer, average = training()
        checkpoint.unpack(tensors, {"weight": layer.weight}, optimizer, average)
        steps(layer, optimizer, average, 2)
        return layer.weight, average["weight"]

    kept = checkpoint.newest(tmp_path).tensors
    assert all(map(torch.equal, resumed(kept), (layer.weight, average["weight"])))
    spoilt = {name: tensor * 2 if name.startswith(part) else tensor for name, tensor in kept.items()}
    assert not all(map(torch.equal, resumed(spoilt), (layer.weight, average["weight"])))


def test_a_restored_optimizer_lies_where_its_parameters_do():
    """A fused AdamW counts its steps there too: a GPU's kernel cannot read them from the CPU."""
    layer, optimizer, average = training()
    steps(layer, optimizer, average, 1)
    state = checkpoint.pack({"weight": layer.weight}, optimizer, average)
    elsewhere = nn.Linear(3, 2, bias=False, device="meta")
    optimizer = torch.optim.AdamW(elsewhere.parameters())
    checkpoint.unpack(state, {"weight": elsewhere.weight}, optimizer, {})
    assert {tensor.device.type for tensor in optimizer.state[elsewhere.weight].values()} == {"meta"}


def test_of_every_module_that_the_learner_imports_it_is_said_whether_it_changes_a_number():
    root = Path(facedance.__file__).parents[1]
    names = {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for file in with_imports(Path(learner.__file__))
    }
    assert names == {*MATHEMATICS, *OTHERS}
    assert not set(MATHEMATICS) & set(OTHERS)


def test_a_training_is_known_by_what_it_computes():
    inputs = {"clips": "0", "transformer": "1"}
    key = training_key(WAN, TRAIN, inputs, "code")
    same = [
        training_key(WAN, changed(videos=("g*",)), inputs, "code"),
        training_key(WAN, changed(checkpoint_every=5), inputs, "code"),
        training_key(WAN, changed(patience=4), inputs, "code"),
        training_key(WAN, changed(prompt="other", captions=Captions(face="close")), inputs, "code"),
        training_key(WAN.model_copy(update={"folder": "~/wan"}), TRAIN, inputs, "code"),
    ]
    assert set(same) == {key}
    other = [
        training_key(WAN, changed(seed=1), inputs, "code"),
        training_key(WAN, changed(select="last"), inputs, "code"),
        training_key(WAN, changed(phases=(Phase(steps=3, trains=("lora",)),)), inputs, "code"),
        training_key(WAN.model_copy(update={"dtype": "bfloat16"}), TRAIN, inputs, "code"),
        training_key(WAN, TRAIN, inputs | {"clips": "1"}, "code"),
        training_key(WAN, TRAIN, inputs, "other code"),
    ]
    assert len({key, *other}) == 1 + len(other)


@pytest.mark.parametrize("values", [{"preview_steps": 9}, {"preview_guidance_scale": 2.0}])
@pytest.mark.parametrize(("select", "validate_every", "counts"), [("best", 5, True), ("last", 5, False), ("best", 0, False)])
def test_how_looks_are_made_counts_where_they_decide(values, select, validate_every, counts):
    before = changed(select=select, validate_every=validate_every)
    keys = {training_key(WAN, train, {}, "code") for train in (before, before.model_copy(update=values))}
    assert (len(keys) == 2) == counts


def test_what_other_settings_left_is_removed(tmp_path):
    for name in ("present", "past", "older"):
        checkpoint.save(tmp_path / name, Checkpoint(5, tensors(5), {}))
    assert [path.name for path in checkpoint.remove_others(tmp_path / "present")] == ["older", "past"]
    assert [path.name for path in tmp_path.iterdir()] == ["present"]
    assert checkpoint.newest(tmp_path / "present").step == 5
    assert checkpoint.remove_others(tmp_path / "present") == []
