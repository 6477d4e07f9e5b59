"""Changed parameters that come back to the bit: what LoRAs add to biases, norms and whole weights, or fused into weights."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

_BEFORE: WeakKeyDictionary[nn.Module, list[tuple[nn.Parameter, Tensor]]] = WeakKeyDictionary()


def parameters_of(transformer: Any) -> dict[str, nn.Parameter]:
    """A transformer's own parameters by their names in diffusers, whether or not LoRAs are put on its layers."""
    return {
        name.replace(".base_layer.", "."): parameter
        for name, parameter in transformer.named_parameters()
        if ".lora_A." not in name and ".lora_B." not in name
    }


@torch.no_grad()
def add_differences(transformer: Any, differences: Mapping[str, Tensor], scale: float) -> None:
    """Add tensors times `scale` to parameters, by diffusers' names, in their shapes."""
    own, before = parameters_of(transformer), _BEFORE.setdefault(transformer, [])
    for name, difference in differences.items():
        parameter = own[name]
        before.append((parameter, parameter.detach().clone().cpu()))
        added = (scale * difference.float()).reshape(parameter.shape).to(parameter.device)
        parameter.copy_(parameter.float() + added)


@torch.no_grad()
def fuse_loras(transformer: Any, *, for_good: bool = False) -> None:
    """Add peft's active LoRAs into the weights of their layers, so that a pass costs what it costs without them.

    Weights in float8 would round most of a LoRA away. The weights before are kept in main memory, but for what is `for_good`.
    """
    layers = [module for module in transformer.modules() if isinstance(module, BaseTunerLayer)]
    if not for_good:
        before = _BEFORE.setdefault(transformer, [])
        before += [(p, p.detach().clone().cpu()) for layer in layers for p in layer.get_base_layer().parameters()]
    if layers:
        transformer.fuse_lora()


@torch.no_grad()
def remove_differences(transformer: Any) -> None:
    """Put back, to the bit, what the parameters were before anything was added to them."""
    for parameter, original in reversed(_BEFORE.pop(transformer, [])):
        parameter.copy_(original)
