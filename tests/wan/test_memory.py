"""Offloaded blocks: LoRAs and face are theirs too, by a stream as well, and afterwards nothing is left of it."""

import contextlib
from types import SimpleNamespace

import pytest
import torch
from diffusers import hooks
from diffusers.hooks import group_offloading

from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.wan.adapter import apply_adapters
from facedance.wan.differences import fuse_loras
from facedance.wan.lora_files import remove_loras
from facedance.wan.memory import next_rung, offload, stay
from tests.wan.small_transformer import FACE, output, transformer
from tests.wan.test_adapter import trained

CPU = torch.device("cpu")


@pytest.fixture
def streams(monkeypatch):
    """Streams on a CPU, which has none: diffusers' own code for them, with copies that are made at once; how many there were."""
    copies = []
    stream = SimpleNamespace(synchronize=lambda: None)
    backend = SimpleNamespace(
        stream=lambda _: contextlib.nullcontext(),
        current_stream=lambda: SimpleNamespace(synchronize=lambda: None),
    )
    config, apply = group_offloading.GroupOffloadingConfig, hooks.apply_group_offloading

    def pinned(tensor):
        copies.append(tensor.numel())
        return tensor.clone()

    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    monkeypatch.setattr(torch.Tensor, "is_pinned", lambda _: True)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    monkeypatch.setattr(group_offloading, "TorchDeviceBackend", lambda _: backend)
    monkeypatch.setattr(group_offloading, "GroupOffloadingConfig", lambda **given: config(**{**given, "stream": stream}))
    monkeypatch.setattr(
        hooks,
        "apply_group_offloading",
        lambda module, use_stream, record_stream, **given: apply(module, **given, use_stream=False, record_stream=False),
    )
    return copies


def people(tmp_path):
    return {"a": (trained(5, tmp_path / "a.safetensors"), 1.0)}


@pytest.mark.parametrize("streamed", [False, True])
def test_offloaded_blocks_predict_the_same_and_come_back(tmp_path, streamed, request):
    copies = request.getfixturevalue("streams") if streamed else []
    model, adapters = transformer(), people(tmp_path)
    base, before = output(model), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = []
    for way in ("resident", "offloaded"):
        branch = apply_adapters(model, adapters, 1.0)
        fuse_loras(model)
        if way == "offloaded":
            offload(model, branch, CPU, streamed=streamed)
        for _ in range(3):  # the first tells the order in which blocks come, and the others fetch by it
            with branch.condition(FACE, 1.0):
                found.append(output(model))
        if way == "offloaded":
            stay(model)
        remove_loras(model, branch)
    assert not torch.allclose(found[0], base, atol=0.05)
    assert all(torch.equal(other, found[0]) for other in found[1:])
    assert bool(copies) == streamed
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(output(model), base)


def test_what_comes_by_a_stream_does_not_know_of_later_loras(tmp_path, streams):
    """Why a LoRA has to be in before."""
    model = transformer()
    offload(model, None, CPU, streamed=True)
    apply_adapters(model, people(tmp_path), 1.0)
    with pytest.raises(KeyError):
        output(model)


def test_a_batch_of_passes_is_the_first_thing_to_give_up():
    memory = RenderMemory()
    assert "batched_guidance" in next_rung(memory, RenderSpeed(batched_guidance=True))
    assert "batched_guidance" not in next_rung(memory, RenderSpeed())
