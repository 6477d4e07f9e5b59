"""A LoRA for Wan2.1-VACE under the names of other programs, and where each of them keeps alpha.

Here a LoRA has peft's names on diffusers' transformer. Of every module there is `<module>.lora_A.weight` (rank, in) and
`<module>.lora_B.weight` (out, rank), and alpha / rank * lora_B @ lora_A is added to the module's weight. Files are written as

- `diffusers`: `transformer.blocks.0.attn1.to_q.lora_A.weight`; alpha lies in the file's metadata, where `save_lora_weights`
  puts it, and is the rank where there is none.
- `comfyui`: `diffusion_model.blocks.0.self_attn.q.lora_down.weight`, the original model's names; tensors `<module>.alpha`.
- `kohya` (musubi-tuner): `lora_unet_blocks_0_self_attn_q.lora_down.weight`; tensors `<module>.alpha`.
- `diffsynth`: `blocks.0.self_attn.q.lora_A.default.weight`. Its own files know no alpha, and some of its versions do not look
  for one. So alpha / rank is multiplied into lora_B and alpha is kept in the metadata for reading back, which gives the
  same bits when alpha / rank is a power of two, and the same up to one rounding when it is not.

`facedance.wan.lora_reading` reads them all, and others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

ENTRY = "facedance"
"""Ours in the metadata."""

PEFT_ENTRY = "lora_adapter_metadata"
"""Diffusers' in the metadata."""

LAYERS = {
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
"""Linear layers of a block: diffusers' name -> the original model's."""


@dataclass(frozen=True)
class Lora:
    """A LoRA under peft's names, and the alpha of each module; ranks may differ from module to module.

    `differences` are added to parameters as they are: biases, norms, modulation and whole weights, by diffusers' names.
    `notes` are for whoever uses it.
    """

    tensors: dict[str, Tensor]
    alphas: dict[str, float]
    differences: dict[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def rank(self, module: str) -> int:
        return self.tensors[f"{module}.lora_A.weight"].shape[0]


@dataclass(frozen=True)
class Format:
    """How a program names tensors."""

    layers: Mapping[str, str]
    prefix: str
    parts: tuple[str, str]
    alpha: Literal["metadata", "tensor", "folded"]
    separator: str = "."

    def name(self, module: str) -> str:
        """The format's name of a module like `blocks.0.attn1.to_q`."""
        blocks, number, layer = module.split(".", 2)
        return self.prefix + self.separator.join((blocks, number, self.layers[layer]))


FORMATS = {
    "diffusers": Format({layer: layer for layer in LAYERS}, "transformer.", ("lora_A", "lora_B"), "metadata"),
    "comfyui": Format(LAYERS, "diffusion_model.", ("lora_down", "lora_up"), "tensor"),
    "kohya": Format(
        {ours: theirs.replace(".", "_") for ours, theirs in LAYERS.items()},
        "lora_unet_",
        ("lora_down", "lora_up"),
        "tensor",
        separator="_",
    ),
    "diffsynth": Format(LAYERS, "", ("lora_A.default", "lora_B.default"), "folded"),
}


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
        return {PEFT_ENTRY: json.dumps(config | {ENTRY: dict(about)})}
    return {ENTRY: json.dumps({"alphas": lora.alphas, "metadata": dict(about)})}


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
