"""LoRAs of other programs: any names, all kinds of keys, pictures of image-to-video models, and what is damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from facedance.job import InputError
from facedance.wan.lora_files import load_foreign_lora, remove_loras
from facedance.wan.lora_formats import Lora
from facedance.wan.lora_keys import place
from facedance.wan.lora_reading import read_lora
from tests.wan.small_transformer import BLOCKS, DIM, FFN, output, transformer

RANK = 3
ORIGINAL = {"self_attn.q": (DIM, DIM), "cross_attn.o": (DIM, DIM), "ffn.0": (DIM, FFN), "ffn.2": (FFN, DIM)}  # in, out
DIFFUSERS = {"attn1.to_q": (DIM, DIM), "attn2.to_out.0": (DIM, DIM), "ffn.net.0.proj": (DIM, FFN), "ffn.net.2": (FFN, DIM)}
A, B = "lora_A.weight", "lora_B.weight"


def pairs(layers: dict[str, tuple[int, int]]) -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(4)
    return {
        f"blocks.{block}.{layer}": (
            torch.randn(RANK, size[0], generator=generator),
            torch.randn(size[1], RANK, generator=generator),
        )
        for block in range(BLOCKS)
        for layer, size in layers.items()
    }


def named(front: str, parts: tuple[str, str] = (A, B), separator: str = ".", layers: Any = ORIGINAL) -> dict[str, Tensor]:
    return {
        f"{front}{name.replace('.', separator)}.{part}": tensor
        for name, both in pairs(layers).items()
        for part, tensor in zip(parts, both, strict=True)
    }


DOWN_UP = ("lora_down.weight", "lora_up.weight")
SPELLINGS = {
    "diffusion-pipe": named("diffusion_model."),
    "comfyui": named("model.diffusion_model.", DOWN_UP),
    "peft": named("base_model.model."),
    "peft with the adapter's name": named("base_model.model.", ("lora_A.default.weight", "lora_B.default.weight")),
    "peft of a whole pipeline": named("base_model.model.transformer.", layers=DIFFUSERS),
    "diffusers' layers in ComfyUI's place": named("diffusion_model.", layers=DIFFUSERS),
    "diffusers, as of old": named("transformer.", ("lora.down.weight", "lora.up.weight"), layers=DIFFUSERS),
    "kohya": named("lora_unet_", DOWN_UP, "_"),
    "kohya with dots": named("lora_unet_", DOWN_UP),
    "lycoris": named("lycoris_", DOWN_UP, "_"),
    "lycoris of diffusers' layers": named("lycoris_transformer_", DOWN_UP, "_", DIFFUSERS),
    "accelerate": named("module.", layers=DIFFUSERS),
    "diffsynth": named("pipe.dit.", ("lora_A.default.weight", "lora_B.default.weight")),
}


def save(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata=metadata)
    return path


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_the_same_lora(name: str) -> None:
    lora = read_lora(SPELLINGS[name], {})
    expected = {f"{module}.{part}": t for module, both in pairs(DIFFUSERS).items() for part, t in zip((A, B), both, strict=True)}
    assert lora.tensors.keys() == expected.keys()
    assert all(torch.equal(lora.tensors[key], tensor) for key, tensor in expected.items())
    assert set(lora.alphas.values()) == {RANK}


def test_other_networks_keys_have_no_place() -> None:
    for key in (
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
        "transformer.transformer_blocks.0.attn1.to_q.lora_A.weight",
        "diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight",
        "transformer_2.blocks.0.attn1.to_q.lora_A.weight",
        "diffusion_model.blocks.0.self_attn.q.lora_A.bias",
        "diffusion_model.blocks.0.self_attn.q.weight",
    ):
        assert place(key) is None, key


BLOCK, VACE = "diffusion_model.blocks.1.", "diffusion_model.vace_blocks.0."
DISTILLED = {  # kinds of keys beside pairs -> the parameter that changes, by diffusers' names
    f"{BLOCK}self_attn.q.diff_b": "blocks.1.attn1.to_q.bias",
    f"{BLOCK}cross_attn.v.diff_b": "blocks.1.attn2.to_v.bias",
    f"{BLOCK}ffn.0.diff_b": "blocks.1.ffn.net.0.proj.bias",
    f"{BLOCK}self_attn.q.diff": "blocks.1.attn1.to_q.weight",
    f"{BLOCK}self_attn.norm_q.diff": "blocks.1.attn1.norm_q.weight",
    f"{BLOCK}cross_attn.norm_k.diff": "blocks.1.attn2.norm_k.weight",
    f"{BLOCK}norm3.diff": "blocks.1.norm2.weight",
    f"{BLOCK}norm3.diff_b": "blocks.1.norm2.bias",
    f"{BLOCK}diff_m": "blocks.1.scale_shift_table",
    f"{BLOCK}modulation.diff": "blocks.1.scale_shift_table",
    f"{VACE}self_attn.o.diff_b": "vace_blocks.0.attn1.to_out.0.bias",
    f"{VACE}after_proj.diff": "vace_blocks.0.proj_out.weight",
    "diffusion_model.time_embedding.0.diff_b": "condition_embedder.time_embedder.linear_1.bias",
    "diffusion_model.time_embedding.2.diff": "condition_embedder.time_embedder.linear_2.weight",
    "diffusion_model.time_projection.1.diff_b": "condition_embedder.time_proj.bias",
    "diffusion_model.text_embedding.0.diff": "condition_embedder.text_embedder.linear_1.weight",
    "diffusion_model.text_embedding.2.diff_b": "condition_embedder.text_embedder.linear_2.bias",
    "diffusion_model.patch_embedding.diff": "patch_embedding.weight",
    "diffusion_model.patch_embedding.diff_b": "patch_embedding.bias",
    "diffusion_model.vace_patch_embedding.diff": "vace_patch_embedding.weight",
    "diffusion_model.head.head.diff": "proj_out.weight",
    "diffusion_model.head.head.diff_b": "proj_out.bias",
    "diffusion_model.head.modulation.diff": "scale_shift_table",
    "diffusion_model.head.diff_m": "scale_shift_table",
    "lora_unet_time_projection_1.diff_b": "condition_embedder.time_proj.bias",
    "transformer.condition_embedder.time_proj.diff": "condition_embedder.time_proj.weight",
    "diffusion_model.blocks.0.norm3.diff": "blocks.0.norm2.weight",
}
LINEAR = {  # the linear layers outside of the blocks
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "head.head": "proj_out",
}


def changed(model: Any, **additions: Tensor) -> Tensor:
    with torch.no_grad():
        for name, addition in additions.items():
            model.get_parameter(name).add_(addition)
    return output(model)


@pytest.fixture(scope="module")
def base() -> Tensor:
    return output(transformer())


@pytest.mark.parametrize("key", DISTILLED)
def test_each_kind_of_difference_does_what_adding_it_does(tmp_path: Path, base: Tensor, key: str) -> None:
    model, name = transformer(), DISTILLED[key]
    difference = torch.randn(model.get_parameter(name).shape, generator=torch.Generator().manual_seed(1)) * 0.5
    load_foreign_lora(model, save(tmp_path / "a.safetensors", {key: difference}), 0.5)
    expected = changed(transformer(), **{name: 0.5 * difference})
    assert not torch.allclose(expected, base, atol=1e-3)
    assert torch.allclose(output(model), expected, rtol=0, atol=1e-5)
    remove_loras(model, None)
    assert torch.equal(output(model), base)


@pytest.mark.parametrize("layer", LINEAR)
def test_pairs_outside_of_the_blocks_do_what_adding_them_does(tmp_path: Path, base: Tensor, layer: str) -> None:
    model, name = transformer(), f"{LINEAR[layer]}.weight"
    out, width = model.get_parameter(name).shape
    down, up = torch.randn(2, width), torch.randn(out, 2)
    front = f"diffusion_model.{layer}"
    tensors = {f"{front}.lora_down.weight": down, f"{front}.lora_up.weight": up, f"{front}.alpha": torch.tensor(1.0)}
    load_foreign_lora(model, save(tmp_path / "a.safetensors", tensors))
    expected = changed(transformer(), **{name: 0.5 * up @ down})
    assert not torch.allclose(expected, base, atol=1e-3)
    assert torch.allclose(output(model), expected, rtol=0, atol=1e-4)
    remove_loras(model, None)
    assert torch.equal(output(model), base)


def distilled(model: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A LoRA with all of these beside its pairs, and what it adds to the parameters."""
    generator = torch.Generator().manual_seed(2)
    tensors, added = named("diffusion_model.", DOWN_UP), {}
    for ours, (down, up) in pairs(DIFFUSERS).items():
        added[f"{ours}.weight"] = up @ down
    for key, name in DISTILLED.items():
        if name in ("scale_shift_table", "blocks.1.scale_shift_table", "condition_embedder.time_proj.bias") and name in added:
            continue  # only once
        tensors[key] = torch.randn(model.get_parameter(name).shape, generator=generator) * 0.1
        added[name] = added.get(name, 0) + tensors[key]
    return tensors, added


def test_a_distilled_lora_loads_whole_beside_another(tmp_path: Path, base: Tensor) -> None:
    model = transformer()
    tensors, added = distilled(model)
    path = save(tmp_path / "a.safetensors", tensors)
    load_foreign_lora(model, path, 0.25)
    load_foreign_lora(model, path, 0.5)
    expected = changed(transformer(), **{name: 0.75 * addition for name, addition in added.items()})
    assert torch.allclose(output(model), expected, rtol=0, atol=1e-4)
    remove_loras(model, None)
    assert torch.equal(output(model), base)


def test_small_biases_survive_float8(tmp_path: Path) -> None:
    """Stored in a byte, a bias of 0.5 has steps of 0.03, in which a difference of 0.01 would be lost."""
    key = "diffusion_model.blocks.0.self_attn.q"
    tensors = {f"{key}.{A}": torch.zeros(2, DIM), f"{key}.{B}": torch.zeros(DIM, 2), f"{key}.diff_b": torch.full((DIM,), 0.01)}
    model = transformer(torch.bfloat16)
    torch.nn.init.constant_(model.blocks[0].attn1.to_q.bias, 0.5)
    model.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.bfloat16)
    before = output(model)
    load_foreign_lora(model, save(tmp_path / "a.safetensors", tensors))
    assert float(model.blocks[0].attn1.to_q.lora_B["foreign_0"].bias.detach().mean()) == pytest.approx(0.01, rel=1e-2)
    assert not torch.equal(output(model), before)


def picture_tensors() -> dict[str, Tensor]:
    front = "diffusion_model."
    return {
        f"{front}blocks.0.cross_attn.k_img.{A}": torch.randn(2, DIM),
        f"{front}blocks.0.cross_attn.k_img.{B}": torch.randn(DIM, 2),
        f"{front}blocks.0.cross_attn.v_img.diff_b": torch.randn(DIM),
        f"{front}blocks.0.cross_attn.norm_k_img.diff": torch.randn(DIM),
        f"{front}img_emb.proj.1.{A}": torch.randn(2, 40),
        f"{front}img_emb.proj.1.{B}": torch.randn(40, 2),
        f"{front}img_emb.proj.0.diff": torch.randn(40),
        f"{front}patch_embedding.diff": torch.randn(DIM, 9, 1, 2, 2),  # the latents' channels and a picture's
    }


def test_image_to_video_loras_load_without_what_is_for_the_picture(
    tmp_path: Path, base: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    alone, both = transformer(), transformer()
    load_foreign_lora(alone, save(tmp_path / "a.safetensors", named("diffusion_model.")))
    assert not [record for record in caplog.records if record.name == "facedance"]
    load_foreign_lora(both, save(tmp_path / "i2v.safetensors", named("diffusion_model.") | picture_tensors()))
    assert torch.equal(output(both), output(alone))
    assert "i2v.safetensors: left out blocks.0.attn2.add_k_proj, blocks.0.attn2.add_v_proj.bias" in caplog.text
    assert "which are for the picture of image-to-video models and have no place here" in caplog.text
    with pytest.raises(InputError, match="is for the picture of image-to-video models alone"):
        load_foreign_lora(transformer(), save(tmp_path / "b.safetensors", picture_tensors()))


def test_convolutions_pairs_are_added_to_their_weight(tmp_path: Path) -> None:
    model, name = transformer(), "patch_embedding.weight"
    out, *inner = model.get_parameter(name).shape
    down, up = torch.randn(2, *inner), torch.randn(out, 2, 1, 1, 1)
    tensors = {"diffusion_model.patch_embedding.lora_down.weight": down, "diffusion_model.patch_embedding.lora_up.weight": up}
    load_foreign_lora(model, save(tmp_path / "a.safetensors", tensors))
    expected = changed(transformer(), **{name: torch.einsum("orxyz,rikmn->oikmn", up, down)})
    assert torch.allclose(output(model), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("dtype", "value"), [(torch.float32, "nan"), (torch.bfloat16, "-inf"), (torch.float8_e4m3fn, "nan")])
def test_numbers_that_are_not_finite_are_refused_with_the_first_key(dtype: torch.dtype, value: str) -> None:
    tensors = {key: tensor.to(dtype) for key, tensor in named("diffusion_model.").items()}
    keys = sorted(tensors)[3::4][:2]
    for key in keys:
        tensors[key] = tensors[key].float().index_fill(0, torch.tensor(1), float(value)).to(dtype)
    with pytest.raises(InputError, match=rf"^{keys[0]} holds numbers that are not finite"):
        read_lora(tensors, {})


@pytest.mark.parametrize(
    "metadata",
    [
        {"lora_adapter_metadata": "{"},
        {"lora_adapter_metadata": json.dumps({"transformer_2.r": 4, "transformer_2.lora_alpha": 8})},
        {"lora_adapter_metadata": json.dumps({"transformer.lora_alpha": "strong"})},
        {"lora_adapter_metadata": json.dumps({"transformer.lora_alpha": float("nan")})},
        {"lora_adapter_metadata": "[1, 2]"},
        {"lora_adapter_metadata": json.dumps({"transformer.lora_alpha": 1, "transformer.alpha_pattern": {"(": 2}})},
        {"facedance": "nothing"},
        {"facedance": json.dumps({"alphas": [1]})},
    ],
)
def test_with_damaged_or_foreign_metadata_alpha_is_the_rank_which_is_told(
    tmp_path: Path, metadata: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    lora: Lora = read_lora(named("transformer.", layers=DIFFUSERS), metadata)
    assert set(lora.alphas.values()) == {RANK}
    load_foreign_lora(transformer(), save(tmp_path / "a.safetensors", named("transformer.", layers=DIFFUSERS), metadata))
    assert "a.safetensors: its metadata is damaged or of another program, so alpha is taken to be the rank" in caplog.text


def test_a_trainers_own_notes_are_no_alpha() -> None:
    lora = read_lora(named("lora_unet_", DOWN_UP, "_"), {"ss_network_alpha": "2", "ss_network_dim": "4"})
    assert set(lora.alphas.values()) == {RANK}
    assert lora.notes == ()


def test_alphas_are_single_numbers() -> None:
    key = "lora_unet_blocks_0_self_attn_q"
    pair = {f"{key}.lora_down.weight": torch.ones(2, DIM), f"{key}.lora_up.weight": torch.ones(DIM, 2)}
    assert read_lora(pair | {f"{key}.alpha": torch.tensor([5.0])}, {}).alphas == {"blocks.0.attn1.to_q": 5.0}
    with pytest.raises(InputError, match="3 of its keys are no whole LoRA"):
        read_lora(pair | {f"{key}.alpha": torch.ones(2)}, {})
