"""A LoRA for Wan2.1-VACE under the names of other programs, and where each of them keeps alpha.

Here a LoRA has peft's names on diffusers' transformer. Of every module there is `<module>.lora_A.weight` (rank, in) and
`<module>.lora_B.weight` (out, rank), and alpha / rank * lora_B @ lora_A is added to the module's weight.

- `diffusers`: `transformer.blocks.0.attn1.to_q.lora_A.weight`; alpha lies in the file's metadata, where `save_lora_weights`
  puts it, and is the rank where there is none.
- `comfyui`: `diffusion_model.blocks.0.self_attn.q.lora_down.weight`, the original model's names; tensors `<module>.alpha`.
- `kohya` (musubi-tuner): `lora_unet_blocks_0_self_attn_q.lora_down.weight`; tensors `<module>.alpha`.
- `diffsynth`: `blocks.0.self_attn.q.lora_A.default.weight`. Its own files know no alpha, and some of its versions do not look
  for one. So alpha / rank is multiplied into lora_B and alpha is kept in the metadata for reading back, which gives the
  same bits when alpha / rank is a power of two, and the same up to one rounding when it is not.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from peft.utils.other import get_pattern_key
from torch import Tensor

from facedance.job import InputError

_ENTRY = "facedance"  # ours in the metadata
_PEFT_ENTRY = "lora_adapter_metadata"  # diffusers' in the metadata

_PARTS = {"lora_A": "lora_A", "lora_down": "lora_A", "lora_B": "lora_B", "lora_up": "lora_B"}
_LAYERS = {  # of a block: diffusers' name -> the original model's
    "attn1.to_q": "self_attn.q",
    "attn1.to_k": "self_attn.k",
    "attn1.to_v": "self_attn.v",
    "attn1.to_out.0": "self_attn.o",
    "attn2.to_q": "cross_attn.q",
    "attn2.to_k": "cross_attn.k",
    "attn2.to_v": "cross_attn.v",
    "attn2.to_out.0": "cross_attn.o",
    "attn2.add_k_proj": "cross_attn.k_img",
    "attn2.add_v_proj": "cross_attn.v_img",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
    "proj_in": "before_proj",  # this and the next are in VACE blocks only
    "proj_out": "after_proj",
}


@dataclass(frozen=True)
class Lora:
    """A LoRA under peft's names, and the alpha of each module; ranks may differ from module to module."""

    tensors: dict[str, Tensor]
    alphas: dict[str, float]

    def rank(self, module: str) -> int:
        return self.tensors[f"{module}.lora_A.weight"].shape[0]


@dataclass(frozen=True)
class Format:
    """How a program names tensors: of `prefixes` and `parts` it reads all and writes the first."""

    layers: Mapping[str, str]
    prefixes: tuple[str, ...]
    parts: tuple[str, str]
    alpha: Literal["metadata", "tensor", "folded"]
    separator: str = "."

    def name(self, module: str) -> str:
        """The format's name of a module like `blocks.0.attn1.to_q`."""
        blocks, number, layer = module.split(".", 2)
        return self.prefixes[0] + self.separator.join((blocks, number, self.layers[layer]))

    def place(self, key: str) -> tuple[str, str] | None:
        """The module of a key and the part of it: lora_A, lora_B or alpha. None for a key that is not of this format."""
        prefix, dot = "|".join(map(re.escape, self.prefixes)), re.escape(self.separator)
        part = rf"(?:({'|'.join(_PARTS)})(?:\.\w+)?\.weight|alpha)"  # peft puts an adapter's name before `weight`
        match = re.fullmatch(rf"(?:{prefix})((?:vace_)?blocks){dot}(\d+){dot}(.+)\.{part}", key)
        layer = match and next((ours for ours, theirs in self.layers.items() if theirs == match[3]), None)
        if match is None or layer is None:
            return None
        return f"{match[1]}.{match[2]}.{layer}", _PARTS[match[4]] if match[4] else "alpha"


FORMATS = {
    "diffusers": Format(
        {layer: layer for layer in _LAYERS}, ("transformer.", "base_model.model.", ""), ("lora_A", "lora_B"), "metadata"
    ),
    "comfyui": Format(_LAYERS, ("diffusion_model.", "transformer."), ("lora_down", "lora_up"), "tensor"),
    "kohya": Format(
        {ours: theirs.replace(".", "_") for ours, theirs in _LAYERS.items()},
        ("lora_unet_", "lora_unet__"),
        ("lora_down", "lora_up"),
        "tensor",
        separator="_",
    ),
    "diffsynth": Format(_LAYERS, ("", "pipe.dit.", "pipe.vace."), ("lora_A.default", "lora_B.default"), "folded"),
}


def detect_format(keys: Iterable[str]) -> str:
    """The format that most keys belong to. Raises InputError when none belongs to any."""
    keys = list(keys)
    counts = {name: sum(form.place(key) is not None for key in keys) for name, form in FORMATS.items()}
    if not any(counts.values()):
        raise InputError(
            f"it is no LoRA for the blocks of Wan2.1 in one of the formats {', '.join(FORMATS)}, "
            f"but has {listed(keys) or 'no tensors'}; choose another file"
        )
    return max(counts, key=lambda name: counts[name])


def to_format(lora: Lora, name: str) -> dict[str, Tensor]:
    """The tensors of a LoRA as the format `name` has them."""
    form = FORMATS[name]
    converted: dict[str, Tensor] = {}
    for module, alpha in lora.alphas.items():
        down, up = (lora.tensors[f"{module}.{part}.weight"] for part in ("lora_A", "lora_B"))  # (rank, in), (out, rank)
        if form.alpha == "folded":
            up = up * (alpha / lora.rank(module))
        elif form.alpha == "tensor":
            converted[f"{form.name(module)}.alpha"] = torch.tensor(alpha)
        converted |= {f"{form.name(module)}.{part}.weight": t for part, t in zip(form.parts, (down, up), strict=True)}
    return converted


def to_metadata(lora: Lora, name: str, about: Mapping[str, str]) -> dict[str, str]:
    """The metadata of a file in the format `name`: one entry, with alpha and what else there is to say `about` the LoRA."""
    if FORMATS[name].alpha == "metadata":  # diffusers takes only what begins with the transformer's name
        config = {f"transformer.{key}": value for key, value in peft_config(lora).items()}
        return {_PEFT_ENTRY: json.dumps(config | {_ENTRY: dict(about)})}
    return {_ENTRY: json.dumps({"alphas": lora.alphas, "metadata": dict(about)})}


def from_format(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Lora:
    """The LoRA in a file's tensors and metadata, whatever format it is in. A module without an alpha has its rank for it.

    Raises:
        InputError: keys of anything but linear layers of the blocks, half a pair, pairs whose shapes do not fit together,
            or a LoRA that changes nothing.
    """
    form = FORMATS[detect_format(tensors)]
    modules: dict[str, dict[str, Tensor]] = {}
    refused = []
    for key, tensor in tensors.items():
        place = form.place(key)
        if place is None or place[1] in modules.setdefault(place[0], {}):
            refused.append(key)
        else:
            modules[place[0]][place[1]] = tensor
    refused += [form.name(module) for module, parts in modules.items() if not _is_pair(parts)]
    if refused:
        raise InputError(
            f"{len(refused)} of its keys are no whole LoRA of a linear layer in blocks or vace_blocks: {listed(refused)}; "
            "use a LoRA without them, because leaving them out would change what it does"
        )
    alphas = {module: _alpha(module, parts, metadata) for module, parts in modules.items()}
    if not any(alphas[m] and parts["lora_A"].any() and parts["lora_B"].any() for m, parts in modules.items()):
        raise InputError("it changes nothing, because in every module lora_A, lora_B or alpha is zero; train it first")
    if form.alpha == "folded" and _ENTRY in metadata:
        for module, parts in modules.items():
            parts["lora_B"] = parts["lora_B"] / (alphas[module] / parts["lora_A"].shape[0])
    names = ("lora_A", "lora_B")
    return Lora({f"{m}.{name}.weight": parts[name] for m, parts in modules.items() for name in names}, alphas)


def peft_config(lora: Lora) -> dict[str, Any]:
    """What peft's LoraConfig says of a LoRA; modules with another rank or alpha than the first are in the patterns."""
    ranks = {module: lora.rank(module) for module in lora.alphas}
    rank, alpha = next(iter(ranks.values())), next(iter(lora.alphas.values()))
    return {
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": list(ranks),
        "rank_pattern": {module: other for module, other in ranks.items() if other != rank},
        "alpha_pattern": {module: other for module, other in lora.alphas.items() if other != alpha},
    }


def listed(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _is_pair(parts: Mapping[str, Tensor]) -> bool:
    down, up = parts.get("lora_A"), parts.get("lora_B")  # (rank, in), (out, rank)
    return down is not None and up is not None and down.ndim == up.ndim == 2 and down.shape[0] == up.shape[1]


def _alpha(module: str, parts: Mapping[str, Tensor], metadata: Mapping[str, str]) -> float:
    rank = parts["lora_A"].shape[0]
    if "alpha" in parts:
        return float(parts["alpha"])
    if _ENTRY in metadata:
        return float(json.loads(metadata[_ENTRY])["alphas"].get(module, rank))
    if _PEFT_ENTRY not in metadata:
        return float(rank)
    config = {key.removeprefix("transformer."): value for key, value in json.loads(metadata[_PEFT_ENTRY]).items()}
    patterns = config.get("alpha_pattern") or {}
    alpha = float(patterns.get(get_pattern_key(patterns, module), config["lora_alpha"]))
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha  # rslora divides by the root of the rank
