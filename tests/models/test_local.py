"""Weights that are here already, in both layouts: what is taken, and what is refused."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers, convert_wan_vae_to_diffusers
from safetensors.torch import save_file
from torch import Tensor
from transformers import UMT5Config, UMT5EncoderModel

from facedance.job import InputError
from facedance.models.local import take_folder
from facedance.wan.architectures import ARCHITECTURES, Architecture
from facedance.wan.load import load_scheduler, load_text, load_transformer, load_vae, with_shift
from lab.tiny.model import build_tiny, new_tokenizer

CPU = torch.device("cpu")
SMALL = Architecture(
    transformer={
        **ARCHITECTURES["wan2.1-vace-1.3b"].transformer,
        **{"num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 32, "num_layers": 3, "vace_layers": (0, 2)},
        **{"text_dim": 16, "freq_dim": 8},
    },
    vae={"base_dim": 4},
    text_encoder={"vocab_size": 300, "d_model": 16, "d_kv": 4, "d_ff": 8, "num_layers": 2, "num_heads": 4},
)
"""The published model's, but narrow."""


@dataclass(frozen=True)
class Originals:
    """A folder of single files, and the tensors that they should become."""

    folder: Path
    transformer: dict[str, Tensor]
    vae: dict[str, Tensor]
    text_encoder: dict[str, Tensor]


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    torch.manual_seed(0)
    transformer = WanVACETransformer3DModel.from_config(dict(SMALL.transformer)).state_dict()
    vae = AutoencoderKLWan.from_config(dict(SMALL.vae)).state_dict()
    encoder = UMT5EncoderModel(UMT5Config.from_dict(dict(SMALL.text_encoder))).state_dict()
    folder = tmp_path / "ComfyUI" / "models"
    for part in ("diffusion_models", "vae", "text_encoders"):
        (folder / part).mkdir(parents=True)
    old = transformer_names()
    save_file(
        {f"model.diffusion_model.{old[name]}": tensor.clone() for name, tensor in transformer.items()},
        folder / "diffusion_models/wan2.1_vace_1.3B_fp16.safetensors",
    )
    old = vae_names()
    save_file({old[name]: tensor.clone() for name, tensor in vae.items()}, folder / "vae/wan_2.1_vae.safetensors")
    plain = {name: tensor.clone() for name, tensor in encoder.items() if name != "encoder.embed_tokens.weight"}
    save_file({**plain, "spiece_model": torch.zeros(4, dtype=torch.uint8)}, folder / "text_encoders/umt5_xxl_fp16.safetensors")
    save_file({"lora_up.weight": torch.zeros(2, 2)}, folder / "vae/something_else.safetensors")
    new_tokenizer(["dance"]).save_pretrained(folder / "umt5-xxl")
    return Originals(folder, transformer, vae, encoder)


def transformer_names() -> dict[str, str]:
    """The original's names by diffusers' own, of the tensors that a transformer may have."""
    leaves = ["weight", "bias"]
    block = [f"{a}_attn.{b}.{c}" for a in ("self", "cross") for b in ("q", "k", "v", "o") for c in leaves]
    block += [f"{a}_attn.norm_{b}.weight" for a in ("self", "cross") for b in "qk"]
    block += [f"{a}.{c}" for a in ("ffn.0", "ffn.2", "norm3", "before_proj", "after_proj") for c in leaves] + ["modulation"]
    names = [f"{kind}.{i}.{leaf}" for kind in ("blocks", "vace_blocks") for i in range(3) for leaf in block]
    ends = ("time_embedding.0", "time_embedding.2", "text_embedding.0", "text_embedding.2", "time_projection.1")
    ends += ("patch_embedding", "vace_patch_embedding", "head.head")
    names += [f"{end}.{c}" for end in ends for c in leaves] + ["head.modulation"]
    return {new: old for old in names for new in convert_wan_transformer_to_diffusers({old: torch.zeros(1)})}


def vae_names() -> dict[str, str]:
    """The original's names by diffusers' own, of the tensors that a VAE may have."""
    leaves = [f"residual.{i}.{c}" for i in (0, 2, 3, 6) for c in ("gamma", "weight", "bias")]
    leaves += [f"{a}.{c}" for a in ("shortcut", "resample.1", "time_conv", "to_qkv", "proj", "2") for c in ("weight", "bias")]
    leaves += ["norm.gamma", "0.gamma", "weight", "bias"]
    places = ["conv1", "head", *(f"middle.{i}" for i in range(3))]
    places += [f"{way}samples.{i}" for way in ("down", "up") for i in range(16)]
    names = [".".join(parts) for parts in itertools.product(("encoder", "decoder"), places, leaves)]
    names += [f"conv{i}.{c}" for i in (1, 2) for c in ("weight", "bias")]
    return {new: old for old in names for new in convert_wan_vae_to_diffusers({old: torch.zeros(1)})}


def test_single_files_become_a_model(originals: Originals, tmp_path: Path) -> None:
    target = tmp_path / "models" / "wan2.1-vace-1.3b"
    take_folder(originals.folder, target, SMALL)
    tokenizer, encoder = load_text(target, torch.float32, CPU)
    for model, expected in (
        (load_transformer(target, torch.float32, CPU), originals.transformer),
        (load_vae(target, CPU), originals.vae),
        (encoder, originals.text_encoder),
    ):
        found = model.state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert tokenizer("dance").input_ids == new_tokenizer(["dance"])("dance").input_ids
    assert with_shift(load_scheduler(target), 16.0).config.flow_shift == 16.0


def test_a_folder_in_diffusers_layout_is_linked(tmp_path: Path) -> None:
    build_tiny(tmp_path / "mine", seed=0)
    (tmp_path / "mine" / "README.md").write_text("read me")
    take_folder(tmp_path / "mine", tmp_path / "models" / "mine", SMALL)
    load_transformer(tmp_path / "models" / "mine", torch.float32, CPU)
    assert (tmp_path / "models/mine/vae/diffusion_pytorch_model.safetensors").is_symlink()
    assert not (tmp_path / "models/mine/README.md").exists()


def test_nothing_of_an_earlier_source_stays_but_a_face_branch(originals: Originals, tmp_path: Path) -> None:
    mine, target = tmp_path / "mine", tmp_path / "models" / "wan2.1-vace-1.3b"
    build_tiny(mine, seed=0)
    (mine / "transformer/diffusion_pytorch_model.safetensors.index.json").write_text("{}")
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    take_folder(mine, target, SMALL)
    (target / "face_branch").mkdir()
    (target / "face_branch/card.json").write_text("{}")
    take_folder(originals.folder, target, SMALL)
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before, "nothing is written through a link"
    assert not list(target.rglob("*.index.json"))
    assert (target / "face_branch/card.json").exists()
    assert load_transformer(target, torch.float32, CPU).state_dict().keys() == originals.transformer.keys()


def test_what_is_missing_is_named(originals: Originals, tmp_path: Path) -> None:
    (originals.folder / "vae/wan_2.1_vae.safetensors").unlink()
    with pytest.raises(InputError, match="holds no vae: Comfy-Org"):
        take_folder(originals.folder, tmp_path / "m", SMALL)
    (originals.folder / "vae/Wan2.1_VAE.pth").write_bytes(b"pickle")
    with pytest.raises(
        InputError, match=rf"Wan2.1_VAE.pth in {originals.folder} is a pickle, which can run any code.*safetensors"
    ):
        take_folder(originals.folder, tmp_path / "m", SMALL)
    with pytest.raises(InputError, match="there is no folder"):
        take_folder(tmp_path / "nowhere", tmp_path / "m", SMALL)


def test_pickles_in_diffusers_layout_are_refused(tmp_path: Path) -> None:
    build_tiny(tmp_path / "mine", seed=0)
    weights = tmp_path / "mine/vae/diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(InputError, match=rf"diffusion_pytorch_model.bin in {tmp_path / 'mine'} is a pickle"):
        take_folder(tmp_path / "mine", tmp_path / "m", SMALL)


def test_another_models_weights_are_refused(originals: Originals, tmp_path: Path) -> None:
    larger = Architecture({**SMALL.transformer, "ffn_dim": 64}, SMALL.vae, SMALL.text_encoder)
    with pytest.raises(InputError, match=r"the transformer is not one of m: blocks.0.ffn.*is \(32,\) and not \(64,\)"):
        take_folder(originals.folder, tmp_path / "m", larger)
    file = originals.folder / "diffusion_models/wan2.1_vace_1.3B_fp16.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match="no whole safetensors file"):
        take_folder(originals.folder, tmp_path / "m", SMALL)


def test_float8_files_are_refused(originals: Originals, tmp_path: Path) -> None:
    file = originals.folder / "vae/wan_2.1_vae.safetensors"
    old = vae_names()
    save_file({old[name]: tensor.to(torch.float8_e4m3fn) for name, tensor in originals.vae.items()}, file)
    with pytest.raises(InputError, match="float8_e4m3fn: take the file in float16"):
        take_folder(originals.folder, tmp_path / "m", SMALL)
