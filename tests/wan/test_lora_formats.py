"""A LoRA does in other programs what it does here, theirs do here what they do there, and what does not fit is refused."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanVACEPipeline
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
from peft import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.files import sha256
from facedance.job import InputError
from facedance.wan.adapter import AdapterConfig, apply_adapters, attach, read_adapter, remove_adapters, save_adapter, trainable
from facedance.wan.lora_files import export_lora, import_lora, load_foreign_lora
from facedance.wan.lora_formats import FORMATS, Lora, to_format, to_metadata
from facedance.wan.lora_reading import read_lora
from tests.wan.small_transformer import BLOCKS, DIM, FACE, FACE_SIZES, FFN, output, transformer

RANK, ALPHA = 4, 6.0  # alpha / rank is 1.5: no power of two
CONFIG = AdapterConfig(
    face=FACE_SIZES,
    lora_rank=RANK,
    lora_alpha=ALPHA,
    lora_targets=("to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2"),
)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's adapter whose tensors are all random, none zero."""
    path = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    model = transformer()
    branch = attach(model, CONFIG, seed=0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in trainable(model, branch, {"face", "lora"}).values():
            parameter.normal_(std=0.3, generator=generator)
    save_adapter(path, model, branch, CONFIG, {"identity": "eileen"})
    return path


@pytest.fixture(scope="module")
def exported(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    for name in FORMATS:
        export_lora(adapter, folder / f"lora.{name}.safetensors", name)
    return {name: folder / f"lora.{name}.safetensors" for name in FORMATS}


@pytest.fixture(scope="module")
def base() -> Tensor:
    return output(transformer())


@pytest.fixture(scope="module")
def ours(adapter: Path, base: Tensor) -> Tensor:
    """What the adapter does with face_scale 0."""
    model = transformer()
    branch = apply_adapters(model, {"eileen": (read_adapter(adapter), 1.0)}, 1.0)
    assert branch is not None
    with branch.condition(FACE, 0.0):
        changed = output(model)
    assert not torch.allclose(changed, base, atol=0.05)
    return changed


def lora_of(layers: dict[str, tuple[int, int]], alpha: Callable[[int], float], rank: Callable[[int], int]) -> Lora:
    """A random LoRA of modules with the shapes (out, in), rank and alpha from a module's number."""
    generator = torch.Generator().manual_seed(7)
    tensors, alphas = {}, {}
    for number, (module, (out, width)) in enumerate(layers.items()):
        tensors[f"{module}.lora_A.weight"] = torch.randn(rank(number), width, generator=generator)
        tensors[f"{module}.lora_B.weight"] = torch.randn(out, rank(number), generator=generator)
        alphas[module] = alpha(number)
    return Lora(tensors, alphas)


EVERYWHERE = {
    f"{blocks}.{number}.{layer}": (FFN if layer == "ffn.net.0.proj" else DIM, FFN if layer == "ffn.net.2" else DIM)
    for blocks in ("blocks", "vace_blocks")
    for number in (0, 1)
    for layer in FORMATS["diffusers"].layers
    if "add_" not in layer and layer not in ("proj_in", "proj_out")
} | {"vace_blocks.0.proj_in": (DIM, DIM), "vace_blocks.0.proj_out": (DIM, DIM), "vace_blocks.1.proj_out": (DIM, DIM)}


def write(path: Path, lora: Lora, name: str) -> Path:
    save_file(to_format(lora, name), path, metadata=to_metadata(lora, name, {}))
    return path


def same(first: Lora, second: Lora) -> bool:
    return (
        first.alphas == second.alphas
        and first.tensors.keys() == second.tensors.keys()
        and all(torch.equal(first.tensors[key], tensor) for key, tensor in second.tensors.items())
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_round_trip_keeps_every_tensor_to_the_bit_and_alpha_and_rank(tmp_path: Path, name: str) -> None:
    image = {f"blocks.12.attn2.{layer}": (DIM, DIM) for layer in ("add_k_proj", "add_v_proj")}
    lora = lora_of({**EVERYWHERE, **image}, alpha=lambda n: 2.0 ** (n % 5), rank=lambda n: 2 ** (n % 3))
    back = import_lora(write(tmp_path / "a.safetensors", lora, name))
    assert same(back, lora)
    assert [back.rank(module) for module in lora.alphas] == [2 ** (n % 3) for n in range(len(lora.alphas))]


@pytest.mark.parametrize("name", FORMATS)
def test_the_adapters_own_lora_comes_back(adapter: Path, exported: dict[str, Path], name: str) -> None:
    back, own = import_lora(exported[name]), read_adapter(adapter).lora
    assert back.tensors.keys() == own.keys()
    assert set(back.alphas.values()) == {ALPHA}
    assert {back.rank(module) for module in back.alphas} == {RANK}
    exact = [torch.equal(back.tensors[key], own[key]) for key in own]
    assert all(exact) or name == "diffsynth"
    assert all(torch.allclose(back.tensors[key], own[key], rtol=2e-7, atol=0) for key in own)


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_the_same_file_again_and_names_the_person(adapter: Path, exported: dict[str, Path], name: str) -> None:
    again = exported[name].with_name("again.safetensors")
    export_lora(adapter, again, name)
    assert sha256(again) == sha256(exported[name])
    with safe_open(again, framework="pt") as file:
        assert '"identity": "eileen"' in "".join(file.metadata().values())
    assert not [key for key in load_file(again) if "face" in key]


def test_names_are_those_of_each_program(exported: dict[str, Path]) -> None:
    expected = {
        "diffusers": {"transformer.blocks.0.attn1.to_out.0.lora_A.weight", "transformer.blocks.2.ffn.net.0.proj.lora_B.weight"},
        "comfyui": {
            "diffusion_model.blocks.0.self_attn.o.lora_down.weight",
            "diffusion_model.blocks.2.ffn.0.lora_up.weight",
            "diffusion_model.blocks.1.cross_attn.k.alpha",
        },
        "kohya": {
            "lora_unet_blocks_0_self_attn_o.lora_down.weight",
            "lora_unet_blocks_2_ffn_0.lora_up.weight",
            "lora_unet_blocks_1_cross_attn_k.alpha",
        },
        "diffsynth": {"blocks.0.self_attn.o.lora_A.default.weight", "blocks.2.ffn.0.lora_B.default.weight"},
    }
    for name, keys in expected.items():
        tensors = load_file(exported[name])
        assert keys <= tensors.keys()
        assert len(tensors) == 10 * BLOCKS * (3 if FORMATS[name].alpha == "tensor" else 2)
        assert {float(t) for key, t in tensors.items() if key.endswith("alpha")} <= {ALPHA}


@pytest.mark.parametrize("name", ["diffusers", "comfyui", "kohya"])
def test_diffusers_reads_the_file_and_does_what_our_adapter_does(exported: dict[str, Path], ours: Tensor, name: str) -> None:
    model = transformer()
    pipeline = WanVACEPipeline(
        tokenizer=None, text_encoder=None, vae=None, scheduler=FlowMatchEulerDiscreteScheduler(), transformer=model
    )
    pipeline.load_lora_weights(str(exported[name]))
    assert torch.allclose(output(model), ours, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", ["comfyui", "kohya", "diffsynth"])
def test_weights_merged_as_the_program_merges_them_do_what_ours_do(tmp_path: Path, name: str) -> None:
    lora = lora_of(EVERYWHERE, alpha=lambda n: 1.5 + n % 3, rank=lambda n: 1 + n % 4)
    tensors = to_format(lora, name)
    original = {key.removeprefix("diffusion_model.").rsplit(".", 1)[0] for key in to_format(lora, "comfyui") if "alpha" in key}
    model = transformer()
    with torch.no_grad():
        for module in original:
            # ComfyUI and musubi-tuner: alpha / rank * up @ down; DiffSynth: B @ A
            key = {"comfyui": f"diffusion_model.{module}", "kohya": f"lora_unet_{module.replace('.', '_')}"}.get(name, module)
            down, up = (tensors[f"{key}.{part}.weight"] for part in FORMATS[name].parts)
            scale = float(tensors[f"{key}.alpha"]) / len(down) if name != "diffsynth" else 1.0
            (path,) = convert_wan_transformer_to_diffusers({f"{module}.weight": up})  # diffusers' own table of the names
            model.get_parameter(path).add_(scale * up @ down)
    merged = output(model)
    loaded = transformer()
    load_foreign_lora(loaded, write(tmp_path / "a.safetensors", lora, name))
    assert torch.allclose(output(loaded), merged, rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", FORMATS)
def test_a_foreign_file_does_what_our_adapter_does(exported: dict[str, Path], base: Tensor, ours: Tensor, name: str) -> None:
    model = transformer()
    lora_name = load_foreign_lora(model, exported[name])
    assert torch.allclose(output(model), ours, rtol=0, atol=2e-5)
    placed = get_peft_model_state_dict(model, adapter_name=lora_name)
    lora = import_lora(exported[name])
    assert placed.keys() == lora.tensors.keys()
    assert all(torch.equal(placed[key], tensor) for key, tensor in lora.tensors.items())
    remove_adapters(model, None)
    assert torch.equal(output(model), base)


def test_scale_is_a_strength(exported: dict[str, Path], base: Tensor, ours: Tensor) -> None:
    half, none = transformer(), transformer()
    load_foreign_lora(half, exported["comfyui"], scale=0.5)
    load_foreign_lora(none, exported["comfyui"], scale=0.0)
    assert torch.equal(output(none), base)
    assert not torch.allclose(output(half), base, atol=0.01)
    assert not torch.allclose(output(half), ours, atol=0.01)


def test_foreign_loras_add_to_a_persons(adapter: Path, exported: dict[str, Path], ours: Tensor) -> None:
    model = transformer()
    apply_adapters(model, {"eileen": (read_adapter(adapter), 0.25)}, 1.0)
    names = [load_foreign_lora(model, exported[name], scale) for name, scale in (("kohya", 0.5), ("diffsynth", 0.25))]
    assert len(set(names)) == 2
    assert torch.allclose(output(model), ours, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", FORMATS)
def test_loras_of_vace_blocks_load(tmp_path: Path, base: Tensor, name: str) -> None:
    layers = {module: shape for module, shape in EVERYWHERE.items() if module.startswith("vace_")}
    lora = lora_of(layers, alpha=lambda n: 3.0, rank=lambda n: 2)
    model = transformer()
    loaded = load_foreign_lora(model, write(tmp_path / "a.safetensors", lora, name))
    assert not torch.allclose(output(model), base, atol=0.05)
    assert get_peft_model_state_dict(model, adapter_name=loaded).keys() == lora.tensors.keys()


def test_spellings_that_are_met_are_read() -> None:
    lora = lora_of({"blocks.0.attn1.to_q": (DIM, DIM), "blocks.0.ffn.net.2": (DIM, FFN)}, lambda n: 2.0, lambda n: 2)

    def respelled(name: str, *changes: tuple[str, str]) -> Lora:
        tensors = to_format(lora, name)
        for old, new in changes:
            tensors = {key.replace(old, new): tensor for key, tensor in tensors.items()}
        return read_lora(tensors, {})

    down_up = ("lora_down", "lora_A"), ("lora_up", "lora_B")
    assert same(respelled("comfyui", *down_up), lora)
    assert same(respelled("comfyui", ("diffusion_model.", "transformer.")), lora)
    assert same(respelled("kohya", ("lora_unet_", "lora_unet__")), lora)
    assert same(respelled("diffsynth", (".default", "")), lora)
    assert same(respelled("diffsynth", ("blocks.", "pipe.dit.blocks.")), lora)
    assert same(respelled("diffusers", ("transformer.", "base_model.model.")), lora)
    assert same(respelled("diffusers", ("transformer.", ""), (".weight", ".default.weight")), lora)


def test_without_an_alpha_it_is_the_rank_and_peft_settings_count() -> None:
    lora = lora_of({"blocks.0.attn1.to_q": (DIM, DIM), "blocks.1.attn1.to_q": (DIM, DIM)}, lambda n: 9.0, lambda n: 4 + 5 * n)
    for name in FORMATS:
        tensors = {key: tensor for key, tensor in to_format(lora, name).items() if not key.endswith("alpha")}
        assert read_lora(tensors, {}).alphas == {"blocks.0.attn1.to_q": 4.0, "blocks.1.attn1.to_q": 9.0}
    config = {"r": 4, "lora_alpha": 3, "alpha_pattern": {r"blocks\.1.*": 5}, "use_rslora": True}
    metadata = {"lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in config.items()})}
    assert read_lora(to_format(lora, "diffusers"), metadata).alphas == {"blocks.0.attn1.to_q": 6.0, "blocks.1.attn1.to_q": 15.0}


@pytest.mark.parametrize(
    "key",
    [
        "diffusion_model.blocks.0.self_attn.q.dora_scale",
        "diffusion_model.blocks.0.self_attn.q.lokr_w1",
        "lora_te_encoder_block_0_layer_0_SelfAttention_q.lora_down.weight",
        "transformer_2.blocks.0.attn1.to_q.lora_A.weight",
        "transformer.transformer_blocks.0.attn1.to_q.lora_A.weight",
    ],
)
def test_keys_that_have_no_place_are_refused(exported: dict[str, Path], tmp_path: Path, key: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file(load_file(exported["comfyui"]) | {key: torch.ones(4, 4)}, path)
    with pytest.raises(InputError, match=rf"a\.safetensors cannot be used.*1 of its keys.*{key}"):
        import_lora(path)


def test_what_is_no_whole_lora_is_refused(exported: dict[str, Path], tmp_path: Path) -> None:
    tensors = load_file(exported["comfyui"])
    module = "diffusion_model.blocks.0.self_attn.q"
    down = f"{module}.lora_down.weight"
    half = rf"2 of its keys.*: {re.escape(module)}\.alpha, {re.escape(module)}\.lora_up\.weight;"
    with pytest.raises(InputError, match=half):
        read_lora({key: tensor for key, tensor in tensors.items() if key != down}, {})
    with pytest.raises(InputError, match=r"3 of its keys.*: diffusion_model\.blocks\.0\.self_attn\.q\.alpha"):
        read_lora(tensors | {down: torch.ones(RANK + 1, DIM)}, {})
    with pytest.raises(InputError, match=r"1 of its keys.*: transformer\.blocks\.0\.self_attn\.q\.lora_A\.weight;"):
        read_lora(tensors | {"transformer.blocks.0.self_attn.q.lora_A.weight": tensors[down]}, {})
    with pytest.raises(InputError, match=r"60 of its keys.* and 57 more"):
        read_lora({key: tensor for key, tensor in tensors.items() if "lora_up" not in key}, {})
    with pytest.raises(InputError, match="changes nothing"):
        read_lora({key: tensor * ("lora_up" not in key) for key, tensor in tensors.items()}, {})
    for keys in (["lora_unet_down_blocks_0.lora_down.weight"], ["face.mean"], []):
        with pytest.raises(InputError, match=f"no LoRA for the blocks.*has {keys[0] if keys else 'no tensors'}"):
            read_lora({key: torch.ones(2, 2) for key in keys}, {})
    (tmp_path / "a.safetensors").write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"a\.safetensors cannot be used"):
        import_lora(tmp_path / "a.safetensors")


def test_a_persons_adapter_is_no_lora(adapter: Path) -> None:
    with pytest.raises(InputError, match=r"it is a person's adapter of this program; export its LoRA first"):
        import_lora(adapter)


def test_what_does_not_fit_the_model_is_refused_and_leaves_it_as_it_was(tmp_path: Path, base: Tensor) -> None:
    fits = lora_of({"blocks.0.attn1.to_q": (DIM, DIM)}, lambda n: 2.0, lambda n: 2)
    wrong = {
        r"blocks\.0\.attn2\.to_k \(48 x 24, in the model 24 x 24\)": {"blocks.0.attn2.to_k": (48, DIM)},
        r"blocks\.9\.ffn\.net\.2 \(not in the model\)": {"blocks.9.ffn.net.2": (DIM, FFN)},
    }
    model = transformer()
    for message, layers in wrong.items():
        other = lora_of(layers, lambda n: 2.0, lambda n: 2)
        both = dataclasses.replace(fits, tensors=fits.tensors | other.tensors, alphas=fits.alphas | other.alphas)
        path = write(tmp_path / "a.safetensors", both, "kohya")
        expected = rf"does not fit the model in 1 of 2 modules: {message}; the others fit, so it was made for another kind"
        with pytest.raises(InputError, match=expected):
            load_foreign_lora(model, path)
    path = write(tmp_path / "a.safetensors", lora_of({"blocks.0.attn1.to_q": (48, 48)}, lambda n: 2.0, lambda n: 2), "kohya")
    with pytest.raises(InputError, match=r"in 1 of 1 modules: .*; use a LoRA that was trained for this size of Wan2\.1"):
        load_foreign_lora(model, path)
    assert torch.equal(output(model), base)
    assert not getattr(model, "peft_config", {})
