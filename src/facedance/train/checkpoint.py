"""Checkpoints of a training: everything that the next step depends on, whole or absent."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facedance.files import atomic, read_json, remove, sha256, write_json

KEPT = 2
"""The last one, and the one before it in case the last turns out damaged."""

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Checkpoint:
    """A training after `step` steps; `facts` is what JSON can hold."""

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and remove all others but the one before it; later ones are of a training that began anew since.

    The tensors come first and the JSON, which holds their digest, last: a checkpoint without it is not there.
    """
    tensors, facts = _files(folder, checkpoint.step)
    with atomic(tensors) as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}, temporary)
    write_json(facts, {"step": checkpoint.step, "sha256": sha256(tensors), "facts": checkpoint.facts})
    steps = _steps(folder)
    for step in {*steps} - {*[step for step in steps if step <= checkpoint.step][-KEPT:]}:
        for path in reversed(_files(folder, step)):
            path.unlink(missing_ok=True)


def newest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint in a folder, None when there is none."""
    for step in reversed(_steps(folder)):
        tensors, facts = _files(folder, step)
        record = read_json(facts)
        if tensors.exists() and sha256(tensors) == record["sha256"]:
            return Checkpoint(step, load_file(tensors), record["facts"])
        _log.warning("checkpoint %s is damaged; going back to the one before", tensors)
    return None


def remove_others(folder: Path) -> list[Path]:
    """Remove what lies beside a training's folder: checkpoints of other settings, a GB or more each. Gives what was removed."""
    others = sorted(path for path in folder.parent.iterdir() if path != folder)
    for path in others:
        remove(path)
    return others


def pack(
    parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, average: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Parameters, the optimizer's moments and the moving average as named tensors."""
    tensors = {f"parameter/{name}": parameter.detach() for name, parameter in parameters.items()}
    tensors |= {f"average/{name}": tensor for name, tensor in average.items()}
    for name, parameter in parameters.items():
        tensors |= {f"optimizer/{key}/{name}": tensor for key, tensor in optimizer.state.get(parameter, {}).items()}
    return tensors


@torch.no_grad()
def unpack(
    tensors: Mapping[str, Tensor],
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    average: Mapping[str, Tensor],
) -> None:
    """Put what `pack` gave back in place."""
    for name, parameter in parameters.items():
        parameter.copy_(tensors[f"parameter/{name}"])
    for name, tensor in average.items():
        tensor.copy_(tensors[f"average/{name}"])
    for path, tensor in tensors.items():
        if path.startswith("optimizer/"):
            _, key, name = path.split("/", 2)
            # The count of steps too: a fused AdamW has it where the parameter is.
            optimizer.state[parameters[name]][key] = tensor.to(parameters[name].device)


def _files(folder: Path, step: int) -> tuple[Path, Path]:
    return folder / f"step_{step:07d}.safetensors", folder / f"step_{step:07d}.json"


def _steps(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step_")) for path in folder.glob("step_*.json"))
