"""What the recogniser's loss takes of a GPU, against the tensors that live in the real network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.random_arcface import FULL_BLOCKS, FULL_WIDTHS, save_arcface
from facedance.config.params import load as load_params
from facedance.faces.arcface_network import CHIP, load_arcface_network
from facedance.plan.identity import NO_IDENTITY, RECOGNISERS, identity_memory
from facedance.plan.live_tensors import LiveTensors
from facedance.plan.parts import count_parts
from facedance.plan.peaks import GIB, training_peak
from facedance.wan.architectures import ARCHITECTURES, meta_vae

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
NAME = "wan2.1-vace-1.3b"
WAN = PARAMS.models[NAME]


@pytest.mark.thorough
def test_what_iresnet50_takes(tmp_path: Path) -> None:
    save_arcface(tmp_path / "recogniser.onnx", FULL_WIDTHS, FULL_BLOCKS)
    network = load_arcface_network(tmp_path / "recogniser.onnx").to("meta")
    held = [*network.parameters(), *network.buffers()]
    face = torch.empty(1, 3, CHIP, CHIP, device="meta", requires_grad=True)
    live = LiveTensors([*held, face])
    with live:
        network(face).sum().backward()
    counted = RECOGNISERS["insightface"]
    assert sum(t.numel() * 4 for t in held) == counted.weights
    assert live.peak == pytest.approx(counted.photo, rel=0.01)


def test_a_photo_takes_as_much_as_its_pixels_ask_for() -> None:
    vae = meta_vae(ARCHITECTURES[NAME])
    small, large = (identity_memory(vae, WAN.model_copy(update={"sizes": ((208 * n, 240 * n),)}), "dlib") for n in (1, 2))
    assert large.weights == small.weights < 4 * sum(p.numel() for p in vae.parameters())
    assert 3.9 * small.photo < large.photo < 4.3 * small.photo
    arcface = identity_memory(vae, WAN.model_copy(update={"sizes": ((208, 240),)}), "insightface")
    assert arcface.weights - small.weights == RECOGNISERS["insightface"].weights
    assert arcface.photo - small.photo == RECOGNISERS["insightface"].photo


def test_a_training_with_it_needs_more_for_each_photo_of_a_batch() -> None:
    train = PARAMS.train.model_copy(update={"photo_share": 0.8, "validate_every": 0, "batch_size": 2})
    parts = count_parts(ARCHITECTURES[NAME], train, torch.bfloat16, 512)
    asked = replace(parts, identity=identity_memory(parts.autoencoder, WAN, "insightface"))
    assert parts.identity == NO_IDENTITY

    def peak(parts, checkpointing=True, **changed):
        return training_peak(parts, WAN, train.model_copy(update=changed), frames=81, checkpointing=checkpointing)

    without, one, four = peak(parts), peak(asked, batch_size=1), peak(asked, checkpointing=False, batch_size=4, photo_share=1.0)
    assert without.where == "training step"
    assert one.weights - without.weights == asked.identity.weights
    assert four.where == "training step, photos"
    assert four.working > 4 * asked.identity.photo > 20 * GIB
    assert peak(asked, batch_size=4).working < 2 * asked.identity.photo, "they are decoded one by one"
    assert peak(parts, photo_share=1.0).working < without.working / 4, "where clips are not learned from, they need nothing"
