"""The LoRA in the tensors and the metadata of a file, whatever program wrote it."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from peft.utils.other import get_pattern_key
from torch import Tensor

from facedance.job import InputError
from facedance.wan.lora_formats import ENTRY, FORMATS, PEFT_ENTRY, Lora, listed
from facedance.wan.lora_keys import DIFFERENCE, parameter_of, place

_NO_ALPHA = "its metadata is damaged or of another program, so alpha is taken to be the rank"


def read_lora(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Lora:
    """The LoRA in a file's tensors and metadata. A module without an alpha has its rank for it.

    Raises:
        InputError: numbers that are not finite, keys without a place in Wan's networks, half a pair, pairs whose shapes do not
            fit together, or a LoRA that changes nothing.
    """
    for key in sorted(tensors):
        if not bool(tensors[key].float().isfinite().all()):
            raise InputError(f"{key} holds numbers that are not finite: fetch the file again, or choose another one")
    modules, refused = _modules(tensors)
    if not modules:
        raise InputError(
            f"it is no LoRA for the blocks of Wan2.1 in one of the formats {', '.join(FORMATS)}, "
            f"but has {listed(list(tensors)) or 'no tensors'}; choose another file"
        )
    if refused:
        raise InputError(
            f"{len(refused)} of its keys are no whole LoRA of a layer of Wan2.1: {listed(sorted(refused))}; "
            "use a LoRA without them, because leaving them out would change what it does"
        )
    lora = _assembled(modules, metadata)
    changes = any(
        alpha and all(lora.tensors[f"{module}.{part}.weight"].any() for part in ("lora_A", "lora_B"))
        for module, alpha in lora.alphas.items()
    )
    if not changes and not any(tensor.any() for tensor in lora.differences.values()):
        raise InputError("it changes nothing, because in every module lora_A, lora_B or alpha is zero; train it first")
    return lora


def _modules(tensors: Mapping[str, Tensor]) -> tuple[dict[str, dict[str, Tensor]], list[str]]:
    """The parts of each module, and the keys that have no place or no partner."""
    modules: dict[str, dict[str, Tensor]] = {}
    keys: dict[str, list[str]] = {}
    refused = []
    for key, tensor in tensors.items():
        found = place(key)
        if found is None or found[1] in modules.get(found[0], {}):
            refused.append(key)
            continue
        modules.setdefault(found[0], {})[found[1]] = tensor
        keys.setdefault(found[0], []).append(key)
    refused += [key for module, parts in modules.items() if not _is_whole(parts) for key in keys[module]]
    return modules, refused


def _is_whole(parts: Mapping[str, Tensor]) -> bool:
    down, up = parts.get("lora_A"), parts.get("lora_B")  # (rank, in, ...), (out, rank, 1, ...)
    if "alpha" in parts and parts["alpha"].numel() != 1:
        return False
    if down is None or up is None:
        return down is up and "lora_bias" not in parts and any(part in parts for part in DIFFERENCE)
    return down.ndim == up.ndim >= 2 and down.shape[0] == up.shape[1] == up[0].numel()


def _assembled(modules: Mapping[str, Mapping[str, Tensor]], metadata: Mapping[str, str]) -> Lora:
    has_alphas = any("alpha" in parts for parts in modules.values())
    own, note = (None, "") if has_alphas else _alphas(metadata)
    lora = Lora({}, {}, {}, (note,) if note else ())
    for module, parts in modules.items():
        if "lora_A" in parts:
            down, up = parts["lora_A"], parts["lora_B"]
            rank = down.shape[0]
            alpha = float(parts["alpha"]) if "alpha" in parts else own(module, rank) if own else float(rank)
            if own and ENTRY in metadata and alpha:  # alpha / rank was multiplied into lora_B
                up = up / (alpha / rank)
            if down.ndim > 2:  # a convolution
                whole = alpha / rank * up.flatten(1).float() @ down.flatten(1).float()
                _add(lora, f"{module}.weight", whole.reshape(up.shape[0], *down.shape[1:]))
            else:
                lora.tensors.update({f"{module}.lora_A.weight": down, f"{module}.lora_B.weight": up})
                lora.alphas[module] = alpha
            if "lora_bias" in parts:
                _add(lora, f"{module}.bias", alpha / rank * parts["lora_bias"].float())
        for part in DIFFERENCE:
            if part in parts:
                _add(lora, parameter_of(module, part), parts[part].float())
    return lora


def _add(lora: Lora, parameter: str, tensor: Tensor) -> None:
    before = lora.differences.get(parameter)
    lora.differences[parameter] = tensor if before is None else before + tensor


def _alphas(metadata: Mapping[str, str]) -> tuple[Callable[[str, int], float] | None, str]:
    """The alpha of a module of a rank, as the metadata has it; None where it says nothing, and what is to be told then."""
    try:
        if ENTRY in metadata:
            alphas = {module: _number(alpha) for module, alpha in json.loads(metadata[ENTRY])["alphas"].items()}
            return lambda module, rank: alphas.get(module, float(rank)), ""
        if PEFT_ENTRY not in metadata:
            return None, ""
        config = {key.removeprefix("transformer."): value for key, value in json.loads(metadata[PEFT_ENTRY]).items()}
        alpha = _number(config["lora_alpha"])
        patterns = {name: _number(other) for name, other in (config.get("alpha_pattern") or {}).items()}
        for pattern in patterns:
            re.compile(pattern)
    except (AttributeError, KeyError, TypeError, ValueError, re.error):
        return None, _NO_ALPHA

    def of(module: str, rank: int) -> float:
        found = patterns.get(get_pattern_key(patterns, module), alpha)
        return found * math.sqrt(rank) if config.get("use_rslora") else found  # rslora divides by the root of the rank

    return of, ""


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number
