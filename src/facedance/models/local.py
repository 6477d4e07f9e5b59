"""Weights that the user has already: a folder in diffusers' layout, or single files as ComfyUI and the original code use them."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers, convert_wan_vae_to_diffusers
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facedance.files import write_json
from facedance.job import InputError
from facedance.models.diffusers_folder import keep_only, needed, refuse_pickles
from facedance.wan.architectures import Architecture, meta_text_encoder, meta_transformer, meta_vae
from facedance.wan.load import new_scheduler

_MARKS = {
    "transformer": "vace_blocks.0.before_proj.weight",
    "vae": "decoder.middle.0.residual.0.gamma",
    "text_encoder": "encoder.block.0.layer.0.SelfAttention.q.weight",
}
"""A tensor, at the end of its name, by which the file of each part is known."""

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "spiece.model")
_COMFYUI = "Comfy-Org/Wan_2.1_ComfyUI_repackaged has all of them in safetensors"
_SAFETENSORS = f"put its safetensors there instead ({_COMFYUI})"
_SIXTEEN_BITS = {torch.float16, torch.bfloat16, torch.float32}

_INDEX = {
    "_class_name": "WanVACEPipeline",
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "WanVACETransformer3DModel"],
    "vae": ["diffusers", "AutoencoderKLWan"],
}


def take_folder(source: Path, target: Path, architecture: Architecture) -> None:
    """Make `target` a model in diffusers' layout from the weights in `source`.

    A folder in that layout is linked, file by file. Single files are converted; transformer, VAE and text encoder are told apart
    by the names of their tensors, wherever in the folder they lie, the tokenizer is known by its tokenizer.json or spiece.model.

    Raises:
        InputError: something is missing, is a pickle, or is not of this architecture.
    """
    if not source.is_dir():
        raise InputError(f"there is no folder {source}: correct models.<model>.folder")
    if (source / "model_index.json").is_file():
        _link(source, target)
        return
    files = _single_files(source)
    keep_only(target, ())
    log = logging.getLogger("facedance")
    for part, file in files.items():
        log.info("%s: %s", part, file)
    _save(meta_transformer(architecture, torch.bfloat16), _transformer(_read(files["transformer"])), target / "transformer")
    _save(meta_vae(architecture), _vae(_read(files["vae"])), target / "vae")
    encoder = meta_text_encoder(architecture, torch.bfloat16)
    _save(encoder, _text_encoder(_read(files["text_encoder"])), target / "text_encoder")
    (target / "tokenizer").mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER:
        if (file := files["tokenizer"].with_name(name)).is_file():
            shutil.copyfile(file, target / "tokenizer" / name)
    new_scheduler().save_pretrained(target / "scheduler")
    write_json(target / "model_index.json", _INDEX)


def _link(source: Path, target: Path) -> None:
    names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file())
    wanted = needed(names, str(source), _SAFETENSORS)
    keep_only(target, ())
    for name in wanted:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.realpath(source / name))


def _single_files(source: Path) -> dict[str, Path]:
    """The file of each part; for the tokenizer one of its files."""
    found: dict[str, Path] = {}
    for file in sorted(source.rglob("*.safetensors")):
        if (part := _part_of(file)) is not None and (other := found.setdefault(part, file)) != file:
            raise InputError(f"{other} and {file} are both a {part}: leave one of them in {source}")
    for file in sorted(path for path in source.rglob("*") if path.name in ("tokenizer.json", "spiece.model")):
        found.setdefault("tokenizer", file)
    if missing := [part for part in (*_MARKS, "tokenizer") if part not in found]:
        if missing != ["tokenizer"]:
            refuse_pickles(sorted(path.relative_to(source).as_posix() for path in source.rglob("*")), str(source), _SAFETENSORS)
        advice = "put the folder of google/umt5-xxl with tokenizer.json there" if "tokenizer" in missing else _COMFYUI
        raise InputError(f"{source} holds no {' and no '.join(missing)}: {advice}")
    return found


def _part_of(file: Path) -> str | None:
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
    except SafetensorError as error:
        raise InputError(f"{file} is no whole safetensors file ({error}): copy it again") from None
    return next((part for part, mark in _MARKS.items() if any(name.endswith(mark) for name in names)), None)


def _read(file: Path) -> dict[str, Tensor]:
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  (safe_open is no mapping)
    if other := {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} - _SIXTEEN_BITS:
        raise InputError(
            f"{file} holds {next(iter(other))}: take the file in float16 or bfloat16, render.memory makes float8 of it"
        )
    return tensors


def _transformer(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plain = {name.removeprefix("model.").removeprefix("diffusion_model."): tensor for name, tensor in tensors.items()}
    renamed: dict[str, Tensor] = convert_wan_transformer_to_diffusers(plain)
    return renamed


def _vae(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = convert_wan_vae_to_diffusers(dict(tensors))
    return renamed


def _text_encoder(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tied = {"encoder.embed_tokens.weight": tensors["shared.weight"]} if "shared.weight" in tensors else {}
    return {**tied, **{name: tensor for name, tensor in tensors.items() if name != "spiece_model"}}


def _save(model: Any, tensors: Mapping[str, Tensor], target: Path) -> None:
    """Save a model that was on the meta device with these tensors, which are to be all of its own and no others."""
    expected = model.state_dict()
    wrong = [
        *(f"{name} is missing" for name in expected.keys() - tensors.keys()),
        *(f"there is no place for {name}" for name in tensors.keys() - expected.keys()),
        *(
            f"{name} is {tuple(tensors[name].shape)} and not {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in tensors and tensors[name].shape != tensor.shape
        ),
    ]
    if wrong:
        raise InputError(f"the {target.name} is not one of {target.parent.name}: {sorted(wrong)[0]} ({len(wrong)} such)")
    model.load_state_dict(dict(tensors), assign=True)
    model.save_pretrained(target)
