"""The plan at full size, on the meta device: what is trained, what is saved and loaded, and how needs grow."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict

from facedance.config.params import load as load_params
from facedance.config.rendering import Batch
from facedance.face_branch.learning import training_of
from facedance.job import InputError
from facedance.plan.activations import latent_shape, token_count
from facedance.plan.disk import disk_bytes
from facedance.plan.parts import Parts, count_parts
from facedance.plan.peaks import (
    GIB,
    MEMORY_LADDER,
    Peak,
    Rung,
    best_rung,
    branch_peak,
    rendering_peak,
    rendering_rungs,
    training_peak,
    training_rungs,
)
from facedance.plan.report import plan
from facedance.train.window import window_of
from facedance.wan.adapter import PERSON, Adapter, adapter_config, apply_adapters, attach
from facedance.wan.architectures import ARCHITECTURES, find_architecture, meta_transformer
from facedance.wan.face_branch import FaceAttnProcessor

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
TRAIN = PARAMS.train.model_copy(update={"photo_share": 0.8, "identity_weight": 0.0})  # clips are learned from, too
EMBEDDING = 128
SIZES = {"wan2.1-vace-1.3b": (1536, 8960, 30), "wan2.1-vace-14b": (5120, 13824, 40)}  # width, hidden width, base blocks
IN_A_BLOCK = {f"{a}.{layer}" for a in ("attn1", "attn2") for layer in ("to_q", "to_k", "to_v", "to_out.0")} | {
    "ffn.net.0.proj",
    "ffn.net.2",
}
"""What the default train.lora_targets name."""


@cache
def parts_of(name: str, rank: int = 16) -> Parts:
    train = TRAIN.model_copy(update={"lora_rank": rank})
    return count_parts(ARCHITECTURES[name], train, torch.bfloat16, EMBEDDING)


def attached(name: str) -> tuple[Any, Any, Any]:
    transformer = meta_transformer(ARCHITECTURES[name], torch.bfloat16)
    config = adapter_config(TRAIN, transformer, EMBEDDING)
    with torch.device("meta"):
        return transformer, attach(transformer, config, 0), config


def test_the_smaller_model_has_its_published_size() -> None:
    parts = parts_of("wan2.1-vace-1.3b")
    assert parts.transformer.parameters == pytest.approx(2.154e9, rel=0.005)
    assert parts.transformer.bytes == pytest.approx(2 * parts.transformer.parameters, rel=0.005)
    shape = latent_shape(parts.autoencoder, PARAMS.models["wan2.1-vace-1.3b"], 81)
    assert token_count(shape, (1, 2, 2), references=0) == 32_760


@pytest.mark.parametrize("name", SIZES)
def test_the_adapter_is_on_exactly_the_layers_that_are_named(name: str) -> None:
    transformer, branch, _ = attached(name)
    _, _, blocks = SIZES[name]
    adapted = {layer for layer, module in transformer.named_modules() if hasattr(module, "lora_A")}
    assert adapted == {f"blocks.{i}.{layer}" for i in range(blocks) for layer in IN_A_BLOCK}
    faces = {layer for layer, m in transformer.named_modules() if isinstance(getattr(m, "processor", None), FaceAttnProcessor)}
    assert faces == {f"blocks.{i}.attn2" for i in range(blocks)}
    assert {t.device.type for m in (transformer, branch) for t in [*m.parameters(), *m.buffers()]} == {"meta"}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("rank", [16, 32])
def test_counts_of_what_is_trained(name: str, rank: int) -> None:
    dim, ffn, blocks = SIZES[name]
    parts = parts_of(name, rank)
    assert parts.lora.parameters == blocks * rank * (2 * 4 * (dim + dim) + 2 * (dim + ffn))
    mapper = (EMBEDDING + 1) * TRAIN.mapper_width + (TRAIN.mapper_width + 1) * TRAIN.face_tokens * dim + 2 * dim
    assert parts.face.parameters == mapper + blocks * (6 * dim * TRAIN.face_rank + dim)
    assert parts.adapter.bytes == 4 * (parts.lora.parameters + parts.face.parameters)


@pytest.mark.parametrize("name", SIZES)
def test_what_is_saved_is_what_is_loaded(name: str) -> None:
    transformer, branch, config = attached(name)
    lora = get_peft_model_state_dict(transformer, adapter_name=PERSON, save_embedding_layers=False)
    assert len(lora) == 2 * len(IN_A_BLOCK) * SIZES[name][2]
    adapter = Adapter(config, lora=lora, face=branch.state_dict(), metadata={})
    fresh = meta_transformer(ARCHITECTURES[name], torch.bfloat16)
    with torch.device("meta"):
        applied = apply_adapters(fresh, {"ann": (adapter, 1.0)}, lora_scale=1.0)
    assert applied is not None
    assert applied.state_dict().keys() == branch.state_dict().keys()
    loaded = get_peft_model_state_dict(fresh, adapter_name=f"{PERSON}_0", save_embedding_layers=False)
    assert {key: t.shape for key, t in loaded.items()} == {key: t.shape for key, t in lora.items()}


@pytest.mark.parametrize("name", SIZES)
def test_needs_grow_with_frames_and_rank_and_shrink_with_checkpointing(name: str) -> None:
    wan = PARAMS.models[name]

    def training(frames: int = 49, rank: int = 16, checkpointing: bool = True, **changed: Any) -> int:
        train = TRAIN.model_copy(update={"validate_every": 0, "photo_share": 0.8, **changed})
        return training_peak(parts_of(name, rank), wan, train, frames=frames, checkpointing=checkpointing).bytes

    assert training(photo_share=1.0) == training(frames=81, photo_share=1.0) < training()
    assert training(batch_size=8, photo_share=1.0) > training(photo_share=1.0)
    assert training(frames=49) < training(frames=53) < training(frames=81)
    assert training(rank=16) < training(rank=32)
    assert training(checkpointing=True) < training(checkpointing=False)
    assert training() < training(ema_decay=0.99)
    assert training() <= training(validate_every=1)
    for memory in MEMORY_LADDER:
        rendered = [rendering_peak(parts_of(name), wan, memory, frames=frames).bytes for frames in (5, 49, 81)]
        assert rendered == sorted(set(rendered))
    ladder = [rendering_peak(parts_of(name), wan, memory, frames=81).bytes for memory in MEMORY_LADDER]
    assert ladder == sorted(ladder, reverse=True)


def test_a_face_branch_needs_more_for_each_portrait_and_more_passes_at_once_for_each_pass() -> None:
    name = "wan2.1-vace-1.3b"
    wan, parts = PARAMS.models[name], parts_of(name)

    def branch(batch: int) -> Peak:
        chosen = PARAMS.face_branch.model_copy(update={"batch_size": batch})
        return branch_peak(parts, window_of(wan), training_of(chosen, PARAMS.train))

    one, three = branch(1), branch(3)
    assert three.working == 3 * one.working
    assert (one.weights, one.adapter) == (parts.transformer.bytes, 4 * parts.face.bytes)
    tiled = MEMORY_LADDER[1]
    single, both = (rendering_peak(parts, wan, tiled, frames=81, passes=passes) for passes in (1, 2))
    assert both.working == 2 * single.working
    assert both.weights == single.weights
    anchored = rendering_peak(parts, wan, tiled, frames=81, references=2)
    assert anchored.working == single.working * 23 // 22  # latent frames


@pytest.mark.parametrize("name", SIZES)
def test_a_larger_card_never_has_room_for_less(name: str) -> None:
    wan, parts = PARAMS.models[name], parts_of(name)
    check_rungs(training_rungs(parts, wan, TRAIN), wan.frames)
    check_rungs(rendering_rungs(parts, wan), wan.frames)


def check_rungs(rungs: Sequence[Rung], most: int) -> None:
    found = [(memory * GIB, best_rung(rungs, memory * GIB)) for memory in range(1, 200, 3)]
    frames = [0 if rung is None else rung.frames for _, rung in found]
    assert frames == sorted(frames)
    assert frames[0] == 0
    assert frames[-1] == most
    for memory, rung in found:
        if rung is not None:
            assert rung.peak.bytes < memory
            assert not any(better.peak.fits(memory) for better in rungs[: rungs.index(rung)])


def test_weights_take_what_the_published_files_take() -> None:
    """Sizes of the files of Wan-AI/Wan2.1-VACE-1.3B-diffusers at the pinned revision, with their headers."""
    transformer, text_encoder, vae = 4999964504 + 2146103400, 4935812536 + 4983103192 + 1442935480, 507591892
    for name, total in (("wan2.1-vace-1.3b", transformer + text_encoder + vae), ("wan2.1-vace-14b", 75.1e9)):
        assert disk_bytes(parts_of(name), PARAMS.models[name], TRAIN).weights == pytest.approx(total, rel=5e-4)


def test_disk() -> None:
    disk = disk_bytes(parts_of("wan2.1-vace-1.3b"), PARAMS.models["wan2.1-vace-1.3b"], TRAIN)
    video, control, reference = 4 * 16 * 21 * 60 * 104, 2 * 96 * 21 * 60 * 104, 4 * 16 * 60 * 104
    assert disk.clip == video + control + reference
    assert disk.photo == (video + control) // 21
    assert disk.checkpoints == 2 * 4 * disk.adapter, "parameters, two moments, and weights that can still be chosen"


def test_the_report_names_the_model_and_its_rungs(tmp_path: Path) -> None:
    text = plan(PARAMS.model_copy(update={"model": "wan2.1-vace-1.3b"}), tmp_path)
    assert "32,760 tokens" in text
    assert "not measured" in text
    assert "gradient_checkpointing: false (chosen)" in text
    assert "render, resident (chosen)" in text
    assert re.search(r"^train a face branch .* training step, portraits$", text, re.MULTILINE)
    assert "The text encoder has no room in 12 GiB" in text


def test_two_people_of_a_cast_have_two_pictures(tmp_path: Path) -> None:
    name = "wan2.1-vace-1.3b"
    alone = PARAMS.render.model_copy(update={"batches": (Batch(who=("eileen",), videos=("*",)),)})
    cast = PARAMS.render.model_copy(update={"batches": (Batch(cast={1: "eileen", 2: "nora", 3: "nobody"}, videos=("*",)),)})
    texts = [plan(PARAMS.model_copy(update={"model": name, "render": render}), tmp_path) for render in (alone, cast)]
    one, two = (float(re.findall(r"render, resident, tiled +\S+ +\S+ +(\S+)", text)[0]) for text in texts)
    assert two == pytest.approx(one * 23 / 22, abs=0.01)  # latent frames


def test_the_report_tells_what_close_ups_take(tmp_path: Path) -> None:
    batch = Batch(who=("eileen",), videos=("*",), variants=("default", "close_up~0.5"))
    render = PARAMS.render.model_copy(update={"batches": (batch,)})
    text = plan(PARAMS.model_copy(update={"model": "wan2.1-vace-1.3b", "render": render}), tmp_path)
    steps = PARAMS.render.settings.steps
    assert f"A close-up from 0.5 takes {-(-steps // 2)} steps beside the {steps} of a render, at 624x624: for each dancer" in text
    without = render.model_copy(update={"batches": (Batch(who=("eileen",), videos=("*",)),)})
    assert "close-up" not in plan(PARAMS.model_copy(update={"model": "wan2.1-vace-1.3b", "render": without}), tmp_path)


def test_the_report_counts_the_seeds_that_are_tried(tmp_path: Path) -> None:
    batch = Batch(who=("eileen", "nora"), videos=("gBR*",), variants=("default", "seeds~4"))
    render = PARAMS.render.model_copy(update={"batches": (batch,)})
    text = plan(PARAMS.model_copy(update={"model": "wan2.1-vace-1.3b", "render": render}), tmp_path)
    assert "Of eileen and nora in gBR* 4 renders are made for seeds~4" in text
    assert "for default" not in text


def test_a_model_of_unknown_sizes_is_read_from_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model tiny.*run `snakemake models`"):
        plan(PARAMS.model_copy(update={"model": "tiny"}), tmp_path)
    small = replace(
        ARCHITECTURES["wan2.1-vace-1.3b"],
        transformer={"num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 32, "num_layers": 3, "vace_layers": [0, 2]},
        vae={"base_dim": 8, "dim_mult": [1, 2], "temperal_downsample": [True], "num_res_blocks": 1},
        text_encoder={"d_model": 16, "d_ff": 8, "num_layers": 1, "vocab_size": 9},
    )
    for part in ("transformer", "vae", "text_encoder"):
        (tmp_path / "tiny" / part).mkdir(parents=True)
        (tmp_path / "tiny" / part / "config.json").write_text(json.dumps(getattr(small, part)))
    assert find_architecture("tiny", tmp_path / "tiny") == small
    assert plan(PARAMS.model_copy(update={"model": "tiny"}), tmp_path).startswith("tiny at 240x128, 17 frames, float32")
