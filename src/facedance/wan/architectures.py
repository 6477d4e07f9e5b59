"""The published models' architectures at full size, and models of them that take no memory.

On the meta device a model has its modules and shapes but no numbers, so the 14B one is built in a moment on any machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

from facedance.files import read_json
from facedance.job import InputError


@dataclass(frozen=True)
class Architecture:
    """The configurations of a model's parts, as diffusers and transformers name their values."""

    transformer: Mapping[str, Any]
    vae: Mapping[str, Any]  # what is not named has the default of AutoencoderKLWan, which is Wan2.1's VAE
    text_encoder: Mapping[str, Any]


_SHARED = {
    "patch_size": (1, 2, 2),
    "attention_head_dim": 128,
    "in_channels": 16,
    "out_channels": 16,
    "text_dim": 4096,
    "freq_dim": 256,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "eps": 1e-6,
    "vace_in_channels": 96,
}

_UMT5_XXL = MappingProxyType(
    {
        "vocab_size": 256384,
        "d_model": 4096,
        "d_ff": 10240,
        "d_kv": 64,
        "num_layers": 24,
        "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
    }
)


def _wan(*, heads: int, ffn: int, blocks: int, vace_every: int) -> Architecture:
    sizes = {
        "num_attention_heads": heads,
        "ffn_dim": ffn,
        "num_layers": blocks,
        "vace_layers": tuple(range(0, blocks, vace_every)),
    }
    return Architecture(MappingProxyType({**_SHARED, **sizes}), MappingProxyType({}), _UMT5_XXL)


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "wan2.1-vace-1.3b": _wan(heads=12, ffn=8960, blocks=30, vace_every=2),
        "wan2.1-vace-14b": _wan(heads=40, ffn=13824, blocks=40, vace_every=5),
    }
)
"""By the models' names in params.yaml. The tiny model's is in its folder."""


def find_architecture(name: str, folder: Path) -> Architecture:
    """The architecture of the model in `folder` if it is there, else the published one of that name.

    Raises:
        InputError: neither is known.
    """
    parts = ("transformer", "vae", "text_encoder")
    if all((folder / part / "config.json").exists() for part in parts):
        return Architecture(*(read_json(folder / part / "config.json") for part in parts))
    if name not in ARCHITECTURES:
        raise InputError(
            f"the sizes of the model {name} are in its folder {folder}, which is not there yet: run `snakemake models`, "
            f"or plan for {' or '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[name]


def meta_transformer(architecture: Architecture, dtype: torch.dtype) -> Any:
    """The WanVACETransformer3DModel on the meta device, frozen, with the dtypes that `load_transformer` gives it."""
    with torch.device("meta"):
        transformer = WanVACETransformer3DModel.from_config(dict(architecture.transformer))
    exempt = set(transformer._keep_in_fp32_modules)  # diffusers loads these in float32 whatever is asked for
    for name, tensor in [*transformer.named_parameters(), *transformer.named_buffers()]:
        if exempt.isdisjoint(name.split(".")):
            tensor.data = tensor.data.to(dtype)
    return transformer.eval().requires_grad_(False)


def meta_vae(architecture: Architecture) -> Any:
    """The AutoencoderKLWan on the meta device, frozen, in float32 as `load_vae` loads it."""
    with torch.device("meta"):
        vae = AutoencoderKLWan.from_config(dict(architecture.vae))
    return vae.eval().requires_grad_(False)


def meta_text_encoder(architecture: Architecture, dtype: torch.dtype) -> Any:
    """The UMT5EncoderModel on the meta device, frozen."""
    with torch.device("meta"):
        encoder = UMT5EncoderModel(UMT5Config.from_dict(dict(architecture.text_encoder)))
    return encoder.to(dtype).eval().requires_grad_(False)
