"""The face branch that a model brings along: trained on many people, for the embeddings of one recogniser."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facedance.files import atomic, read_json, write_json
from facedance.job import InputError
from facedance.wan.face_branch import FaceBranch

FACE_BRANCH = "face_branch"
"""Where a model has it, beside `transformer`."""

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


def new_face_branch(transformer: Any, faces: Tensor, *, tokens: int, rank: int, width: int) -> FaceBranch:
    """An untrained branch for a transformer, that knows the mean and the spread of many people's embeddings (N, D)."""
    branch = FaceBranch(
        embedding_dim=faces.shape[-1],
        dim=transformer.config.num_attention_heads * transformer.config.attention_head_dim,
        blocks=len(transformer.blocks),
        tokens=tokens,
        rank=rank,
        width=width,
    )
    branch.know(faces)
    return branch


def save_face_branch(branch: FaceBranch, folder: Path, backend: str) -> None:
    """Write a branch, parameters and buffers, as float16; `backend` names the recogniser that gave its embeddings.

    The sizes come last: weights without them are no branch.
    """
    tensors = {name: tensor.detach().half().cpu().contiguous() for name, tensor in branch.state_dict().items()}
    with atomic(folder / _WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_json(folder / _CONFIG, {**asdict(branch.sizes), "backend": backend})


def has_face_branch(folder: Path) -> bool:
    """Whether a face branch lies in a folder."""
    return (folder / _CONFIG).exists()


def load_face_branch(folder: Path, embedding_dim: int | None = None) -> FaceBranch | None:
    """The branch in a folder, in float32 on the CPU; None when there is none.

    Args:
        embedding_dim: length of the embeddings that it is to be used with; None for those that it was trained with.

    Raises:
        InputError: the embeddings are another recogniser's.
    """
    if not has_face_branch(folder):
        return None
    sizes = read_json(folder / _CONFIG)
    backend = sizes.pop("backend")
    if embedding_dim not in (None, sizes["embedding_dim"]):
        raise InputError(
            f"{folder} was trained with {backend}'s embeddings of {sizes['embedding_dim']} numbers and the person's has "
            f"{embedding_dim}: set faces.backend in params.yaml to {backend}, or choose another model"
        )
    with torch.device("meta"):
        branch = FaceBranch(**sizes)
    tensors = load_file(folder / _WEIGHTS)
    branch.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return branch
