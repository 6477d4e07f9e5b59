"""Adapters train what they say, keep every tensor in their file and come off without a trace."""

import dataclasses
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.config.params import load as load_params
from facedance.files import sha256
from facedance.job import InputError
from facedance.wan.adapter import (
    Adapter,
    AdapterConfig,
    adapter_config,
    apply_adapters,
    attach,
    read_adapter,
    remove_adapters,
    save_adapter,
    trainable,
)
from facedance.wan.face_branch import FaceBranch
from tests.wan.small_transformer import BLOCKS, DIM, EMBEDDING, FACE, FACE_SIZES, FFN, output, transformer

CONFIG = AdapterConfig(
    face=FACE_SIZES,
    lora_rank=4,
    lora_alpha=8.0,
    lora_targets=("to_q", "to_out.0", "ffn.net.0.proj"),
)


def trained(seed: int, path: Path, config: AdapterConfig = CONFIG) -> Adapter:
    """An adapter whose tensors are all random, none zero."""
    model = transformer()
    branch = attach(model, config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in trainable(model, branch, {"face", "lora"}).values():
            parameter.normal_(std=0.3, generator=generator)
        branch.mean.normal_(std=0.3, generator=generator)
        branch.deviation.uniform_(0.1, 1, generator=generator)
    save_adapter(path, model, branch, config, {"identity": "eileen", "seed": str(seed), "consent": "yes"})
    return read_adapter(path)


def test_configuration_follows_the_model() -> None:
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    config = adapter_config(params.train, transformer(), EMBEDDING)
    assert (config.face.dim, config.face.blocks, config.face.embedding_dim) == (DIM, BLOCKS, EMBEDDING)
    assert (config.face.tokens, config.face.rank) == (params.train.face_tokens, params.train.face_rank)
    assert (config.lora_rank, config.lora_targets) == (params.train.lora_rank, params.train.lora_targets)


def pretrained_branch() -> FaceBranch:
    torch.manual_seed(4)
    branch = FaceBranch(embedding_dim=EMBEDDING, dim=DIM, blocks=BLOCKS, tokens=3, rank=5, width=12)
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.normal_(std=0.3)
        branch.mean.normal_(std=0.3)
        branch.deviation.uniform_(0.1, 1)
    return branch


def test_training_starts_from_a_pretrained_branch_and_keeps_its_sizes(tmp_path: Path) -> None:
    train = load_params(Path(__file__).parents[2] / "params.yaml").train
    pretrained, model = pretrained_branch(), transformer()
    run = partial(output, model)
    base = run()
    config = adapter_config(train, model, EMBEDDING, pretrained)
    assert config.face == pretrained.sizes
    branch = attach(model, config, 0, pretrained)
    with branch.condition(FACE, 1.0):
        started = run()
    assert not torch.allclose(started, base, atol=0.01)
    assert set(trainable(model, branch, {"face"})) == {f"face.{name}" for name, _ in pretrained.named_parameters()}

    save_adapter(tmp_path / "a.safetensors", model, branch, config, {})
    adapter = read_adapter(tmp_path / "a.safetensors")
    assert adapter.config == config
    expected = pretrained_branch().state_dict()
    assert adapter.face.keys() == expected.keys()
    assert all(torch.equal(adapter.face[name], tensor) for name, tensor in expected.items())
    fresh = transformer()
    run = partial(output, fresh)
    applied = apply_adapters(fresh, {"a": (adapter, 1.0)}, 1.0)
    assert applied is not None
    with applied.condition(FACE, 1.0):
        assert torch.allclose(run(), started, atol=1e-5)


def test_counts_of_trainable_parameters() -> None:
    model = transformer()
    branch = attach(model, CONFIG, seed=0)
    n, r, width, tokens = CONFIG.lora_rank, CONFIG.face.rank, CONFIG.face.width, CONFIG.face.tokens
    attention = 2 * 2 * n * (DIM + DIM)  # to_q and to_out.0 of self- and of cross-attention
    lora = BLOCKS * (attention + n * (DIM + FFN))
    mapper = (EMBEDDING + 1) * width + (width + 1) * tokens * DIM + 2 * DIM
    face = mapper + BLOCKS * (6 * DIM * r + DIM)
    counts = {what: sum(p.numel() for p in trainable(model, branch, {what}).values()) for what in ("lora", "face")}
    assert counts == {"lora": lora, "face": face}


def test_trains_only_what_is_asked_for_and_only_the_base_blocks() -> None:
    model = transformer()
    branch = attach(model, CONFIG, seed=0)
    chosen = trainable(model, branch, {"lora"})
    learning = {id(p) for module in (model, branch) for p in module.parameters() if p.requires_grad}
    assert learning == {id(p) for p in chosen.values()}
    assert {name.split(".")[1] for name in chosen} == {"blocks"}
    assert len(chosen) == 2 * 5 * BLOCKS
    assert len(trainable(model, branch, {"face", "lora"})) == len(chosen) + len(list(branch.parameters()))
    assert all(p.requires_grad for p in branch.parameters())
    with pytest.raises(ValueError, match="'vae'"):
        trainable(model, branch, {"vae"})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_first_values_come_from_the_seed_alone(dtype: torch.dtype) -> None:
    def values(seed: int, state: int) -> dict[str, Tensor]:
        model = transformer(dtype)
        run = partial(output, model)
        base = run()
        torch.manual_seed(state)
        before = torch.get_rng_state()
        branch = attach(model, CONFIG, seed)
        assert torch.equal(torch.get_rng_state(), before)
        with branch.condition(FACE, 1.0):
            assert torch.equal(run(), base), "an untrained adapter changes the output"
        return {name: p.detach() for name, p in trainable(model, branch, {"face", "lora"}).items()}

    first, again, other = values(0, state=1), values(0, state=2), values(1, state=1)
    assert {v.dtype for v in first.values()} == {torch.float32}
    assert all(torch.equal(first[name], again[name]) for name in first)
    random = [name for name in first if name.endswith("lora_A.weight") or name.endswith(("to_k.0.weight", "mapper.0.weight"))]
    assert len(random) == 5 * BLOCKS + BLOCKS + 1
    assert not any(torch.equal(first[name], other[name]) for name in random)


def test_file_keeps_everything(tmp_path: Path) -> None:
    adapter = trained(5, tmp_path / "a.safetensors")
    trained(5, tmp_path / "b.safetensors")
    assert sha256(tmp_path / "a.safetensors") == sha256(tmp_path / "b.safetensors")
    assert adapter.config == CONFIG
    assert adapter.metadata == {"identity": "eileen", "seed": "5", "consent": "yes"}
    model = transformer()
    names = {*trainable(model, attach(model, CONFIG, 0), {"face", "lora"}), "face.mean", "face.deviation"}
    assert set(load_file(tmp_path / "a.safetensors")) == names
    assert {f"lora.{n}" for n in adapter.lora} | {f"face.{n}" for n in adapter.face} == names
    assert not torch.equal(adapter.face["mean"], FaceBranch(**dataclasses.asdict(CONFIG.face)).mean)


@pytest.mark.parametrize("lora_scale", [1.0, 0.5])
def test_applied_adapter_does_what_the_trained_one_did(tmp_path: Path, lora_scale: float) -> None:
    adapter = trained(5, tmp_path / "a.safetensors")
    model = transformer()
    run = partial(output, model)
    branch = attach(model, CONFIG, seed=9)
    branch.load_state_dict(adapter.face)
    with torch.no_grad():
        for name, parameter in trainable(model, branch, {"face", "lora"}).items():
            part, rest = name.split(".", 1)
            parameter.copy_(getattr(adapter, part)[rest])
            if name.endswith("lora_B.weight"):
                parameter.mul_(lora_scale)
    with branch.condition(FACE, 1.0):
        live = run()

    fresh = transformer()
    run = partial(output, fresh)
    keys, base = list(fresh.state_dict()), run()
    applied = apply_adapters(fresh, {"a.b c": (adapter, 1.0)}, lora_scale)
    assert applied is not None
    with applied.condition(FACE, 1.0):
        assert torch.allclose(run(), live, atol=1e-5)
    lora_only = run()
    assert not torch.allclose(lora_only, base, atol=0.01)
    assert not torch.allclose(lora_only, live, atol=0.01)
    remove_adapters(fresh, applied)
    assert torch.equal(run(), base)
    assert list(fresh.state_dict()) == keys


def test_without_lora_and_face_the_base_runs_to_the_bit(tmp_path: Path) -> None:
    adapter = trained(5, tmp_path / "a.safetensors")
    model = transformer()
    run = partial(output, model)
    base = run()
    branch = apply_adapters(model, {"a": (adapter, 1.0)}, 0.0)
    assert branch is not None
    with branch.condition(FACE, 0.0):
        assert torch.equal(run(), base)
    with branch.condition(FACE, 1.0):
        assert not torch.allclose(run(), base, atol=0.01), "the face branch must work without a LoRA"
    assert apply_adapters(transformer(), {}, 1.0) is None


def test_a_blend_lies_between_its_members(tmp_path: Path) -> None:
    a, b = (trained(seed, tmp_path / f"{seed}.safetensors") for seed in (5, 6))
    mean = dataclasses.replace(a, face={name: 0.25 * a.face[name] + 0.75 * b.face[name] for name in a.face})
    assert {"mean", "deviation"} <= set(mean.face)
    model = transformer()
    run = partial(output, model)

    def rendered(adapters: dict[str, tuple[Adapter, float]], lora_scale: float = 1.0) -> Tensor:
        branch = apply_adapters(model, adapters, lora_scale)
        assert branch is not None
        with branch.condition(FACE, 1.0):
            output = run()
        remove_adapters(model, branch)
        return output

    assert torch.allclose(rendered({"a": (a, 0.25), "b": (b, 0.75)}, 0.0), rendered({"m": (mean, 1.0)}, 0.0), atol=1e-5)
    unnormalised = dataclasses.replace(mean, face={**mean.face, "mean": a.face["mean"]})
    assert not torch.allclose(rendered({"u": (unnormalised, 1.0)}, 0.0), rendered({"m": (mean, 1.0)}, 0.0), atol=1e-3)
    assert torch.allclose(rendered({"a": (a, 0.5), "same": (a, 0.5)}), rendered({"a": (a, 1.0)}), atol=1e-4)
    assert torch.allclose(rendered({"a": (a, 1.0), "b": (b, 0.0)}), rendered({"a": (a, 1.0)}), atol=1e-4)
    assert not torch.allclose(rendered({"a": (a, 0.5), "b": (b, 0.5)}), rendered({"a": (a, 1.0)}), atol=0.01)


def test_names_that_match_nothing_are_refused() -> None:
    config = dataclasses.replace(CONFIG, lora_targets=("to_q", "q_proj", "attn1"))
    with pytest.raises(InputError, match=r"q_proj, attn1 match no linear layer.*attn2\.to_v.*ffn\.net\.2"):
        attach(transformer(), config, seed=0)


def test_adapters_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    a = trained(5, tmp_path / "a.safetensors")
    b = trained(5, tmp_path / "b.safetensors", dataclasses.replace(CONFIG, lora_rank=2))
    with pytest.raises(InputError, match="a and b differ"):
        apply_adapters(transformer(), {"a": (a, 0.5), "b": (b, 0.5)}, 1.0)
    foreign = dataclasses.replace(a, lora={"blocks.7.attn1.to_q.lora_A.weight": torch.zeros(4, DIM)})
    with pytest.raises(InputError, match=r"a does not fit the model.*blocks\.7"):
        apply_adapters(transformer(), {"a": (foreign, 1.0)}, 1.0)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="is no adapter of this program"):
        read_adapter(tmp_path / "other.safetensors")
