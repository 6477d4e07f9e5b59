"""Parameters and bytes of everything that is loaded or trained, counted on models that take no memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from facedance.config.sections import Train
from facedance.plan.identity import NO_IDENTITY, IdentityMemory
from facedance.wan.adapter import adapter_config, attach, trainable
from facedance.wan.architectures import Architecture, meta_text_encoder, meta_transformer, meta_vae
from facedance.wan.face_branch import FaceBranch


@dataclass(frozen=True)
class Part:
    """Number of parameters, and their bytes in memory in the dtype that they are loaded in."""

    parameters: int
    bytes: int


@dataclass(frozen=True)
class AdaptedLayer:
    """A linear layer with a LoRA in one base block, by its name in the block."""

    name: str

    @property
    def reads_text(self) -> bool:
        """Whether its input is the prompt, not the video."""
        return self.name in ("attn2.to_k", "attn2.to_v")


@dataclass(frozen=True)
class Widths:
    """What the activations of a transformer depend on besides the number of tokens."""

    dim: int  # d
    ffn: int  # f: hidden width of the feed-forward layer
    head_dim: int
    blocks: int  # base blocks
    hints: int  # VACE blocks
    number: int  # w: bytes of a number, 2 in bfloat16
    patch: tuple[int, int, int]  # latent frames, rows and columns under one token
    adapted: tuple[AdaptedLayer, ...]
    lora_rank: int
    face_rank: int


@dataclass(frozen=True)
class Parts:
    """A model with a person's untrained adapter attached."""

    transformer: Part  # without the adapter
    blocks: Part  # those of its parameters that lie in base and VACE blocks
    vace: Part  # those that VACE added to the base model
    vae: Part
    text_encoder: Part
    lora: Part
    face: Part
    widths: Widths
    autoencoder: Any  # the VAE, on the meta device
    identity: IdentityMemory = NO_IDENTITY

    @property
    def adapter(self) -> Part:
        """LoRA and face branch together."""
        return Part(self.lora.parameters + self.face.parameters, self.lora.bytes + self.face.bytes)


def count_parts(
    architecture: Architecture, train: Train, dtype: torch.dtype, embedding_dim: int, pretrained: FaceBranch | None = None
) -> Parts:
    """Build a model on the meta device, attach the adapter that `train` asks for as a training does, and count.

    Args:
        dtype: of transformer and text encoder.
        embedding_dim: length of the recogniser's embeddings.
        pretrained: the face branch that the model brings along, if it does.

    Raises:
        InputError: a name in `train.lora_targets` is no linear layer of the base blocks.
    """
    transformer = meta_transformer(architecture, dtype)
    base = _part(transformer.parameters())
    blocks = _part([*transformer.blocks.parameters(), *transformer.vace_blocks.parameters()])
    vace = _part([*transformer.vace_blocks.parameters(), *transformer.vace_patch_embedding.parameters()])
    config = adapter_config(train, transformer, embedding_dim, pretrained)
    with torch.device("meta"):
        branch = attach(transformer, config, train.seed, pretrained)
    vae = meta_vae(architecture)
    return Parts(
        transformer=base,
        blocks=blocks,
        vace=vace,
        vae=_part(vae.parameters()),
        text_encoder=_part(meta_text_encoder(architecture, dtype).parameters()),
        lora=_part(trainable(transformer, branch, {"lora"}).values()),
        face=_part(trainable(transformer, branch, {"face"}).values()),
        widths=_widths(transformer, config.lora_rank, config.face.rank),
        autoencoder=vae,
    )


def _widths(transformer: Any, lora_rank: int, face_rank: int) -> Widths:
    config = transformer.config
    layers = transformer.blocks[0].named_modules()
    return Widths(
        dim=config.num_attention_heads * config.attention_head_dim,
        ffn=config.ffn_dim,
        head_dim=config.attention_head_dim,
        blocks=config.num_layers,
        hints=len(config.vace_layers),
        number=transformer.dtype.itemsize,
        patch=tuple(config.patch_size),
        adapted=tuple(AdaptedLayer(name) for name, layer in layers if hasattr(layer, "lora_A")),
        lora_rank=lora_rank,
        face_rank=face_rank,
    )


def _part(parameters: Iterable[Tensor]) -> Part:
    counted = list(parameters)
    return Part(sum(p.numel() for p in counted), sum(p.numel() * p.element_size() for p in counted))
