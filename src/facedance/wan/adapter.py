"""What is trained for a person, a LoRA on the base blocks and the face branch, and its file."""

import contextlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from facedance.config.sections import Train
from facedance.files import atomic
from facedance.job import InputError
from facedance.wan.face_branch import FaceBranch, FaceSizes
from facedance.wan.region_lora import Pairs, add_region_loras, remove_region_loras

PERSON = "person"
"""Name of the LoRA under training in peft."""

_ENTRY = "facedance"  # the only one in the file's metadata: safetensors writes several in an order that is never the same


@dataclass(frozen=True)
class AdapterConfig:
    """Sizes of an adapter."""

    face: FaceSizes
    lora_rank: int
    lora_alpha: float
    lora_targets: tuple[str, ...]


@dataclass(frozen=True)
class Adapter:
    """A trained adapter, in float32 on the CPU."""

    config: AdapterConfig
    lora: dict[str, Tensor]
    face: dict[str, Tensor]
    metadata: dict[str, str]


def adapter_config(train: Train, transformer: Any, embedding_dim: int, pretrained: FaceBranch | None = None) -> AdapterConfig:
    """The adapter that `train` asks for, sized for a transformer and a recogniser's embeddings.

    A pretrained face branch has its own sizes, which win over face_tokens, face_rank and mapper_width.
    """
    sizes = FaceSizes(
        embedding_dim=embedding_dim,
        dim=transformer.config.num_attention_heads * transformer.config.attention_head_dim,
        blocks=transformer.config.num_layers,
        tokens=train.face_tokens,
        rank=train.face_rank,
        width=train.mapper_width,
    )
    return AdapterConfig(
        face=sizes if pretrained is None else pretrained.sizes,
        lora_rank=train.lora_rank,
        lora_alpha=train.lora_alpha,
        lora_targets=train.lora_targets,
    )


def attach(transformer: Any, config: AdapterConfig, seed: int, pretrained: FaceBranch | None = None) -> FaceBranch:
    """Add an untrained LoRA and a face branch to a transformer: the `pretrained` one itself, else an untrained one.

    What is untrained changes nothing yet, and its first values depend on `seed` only; the global random state is left as
    it was. LoRA and branch are float32, on the transformer's device, and nothing but them can require gradients.

    Raises:
        InputError: a name in `lora_targets` is no linear layer of the base blocks.
    """
    with torch.random.fork_rng(devices=[]):  # peft and torch initialise on the CPU from the global generator
        torch.default_generator.manual_seed(seed)
        branch = FaceBranch(**asdict(config.face)) if pretrained is None else pretrained
        _add_lora(transformer, config, PERSON)
    for parameter in _lora_parameters(transformer).values():
        parameter.data = parameter.data.float()
    _compute_as_the_layers(transformer)
    branch.to(transformer.device).attach(transformer)
    return branch


def trainable(transformer: Any, branch: FaceBranch, what: Set[str]) -> dict[str, nn.Parameter]:
    """The parameters of the parts in `what` ("face", "lora") by their names in the adapter's file.

    These are set to require gradients and the adapter's others not to.
    """
    if unknown := set(what) - {"face", "lora"}:
        raise ValueError(f"cannot train {sorted(unknown)}; there are 'face' and 'lora'")
    parts = {
        "face": {f"face.{name}": parameter for name, parameter in branch.named_parameters()},
        "lora": {f"lora.{name}": parameter for name, parameter in _lora_parameters(transformer).items()},
    }
    for part, parameters in parts.items():
        for parameter in parameters.values():
            parameter.requires_grad_(part in what)
    return {name: parameter for part in sorted(what) for name, parameter in parts[part].items()}


@contextlib.contextmanager
def without_lora(transformer: Any) -> Iterator[None]:
    """Inside the block the LoRA under training changes nothing, and its gradient is zero."""
    layers = [module for module in transformer.modules() if isinstance(module, BaseTunerLayer)]
    for layer in layers:
        layer.set_scale(PERSON, 0.0)
    try:
        yield
    finally:
        for layer in layers:
            layer.set_scale(PERSON, 1.0)


def save_adapter(path: Path, transformer: Any, branch: FaceBranch, config: AdapterConfig, metadata: Mapping[str, str]) -> None:
    """Write the LoRA (`lora.*`, peft's names) and the face branch (`face.*`, buffers too) as float32, atomically."""
    lora = get_peft_model_state_dict(transformer, adapter_name=PERSON, save_embedding_layers=False)
    named = {f"lora.{name}": tensor for name, tensor in lora.items()}
    named |= {f"face.{name}": tensor for name, tensor in branch.state_dict().items()}
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in named.items()}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={_ENTRY: json.dumps({"config": asdict(config), "metadata": dict(metadata)})})


def read_adapter(path: Path) -> Adapter:
    """The adapter in a file that `save_adapter` wrote. Raises InputError for another file."""
    with safe_open(path, framework="pt") as file:
        entry = (file.metadata() or {}).get(_ENTRY)
        if entry is None:
            raise InputError(f"{path} is no adapter of this program: its metadata has no {_ENTRY!r}")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (safe_open is no mapping)
    described = json.loads(entry)
    fields = described["config"]
    return Adapter(
        config=AdapterConfig(**{**fields, "face": FaceSizes(**fields["face"]), "lora_targets": tuple(fields["lora_targets"])}),
        lora={name.removeprefix("lora."): tensor for name, tensor in tensors.items() if name.startswith("lora.")},
        face={name.removeprefix("face."): tensor for name, tensor in tensors.items() if name.startswith("face.")},
        metadata=described["metadata"],
    )


def apply_adapters(transformer: Any, adapters: Mapping[str, tuple[Adapter, float]], lora_scale: float) -> FaceBranch | None:
    """Put one or several persons' adapters, each with a weight, on a transformer for rendering.

    The LoRAs add up, each times its weight and `lora_scale`; with `lora_scale` 0 there is none. The face branch has
    the weighted mean of the persons' tensors. Returns that branch, attached; None when there are no adapters.

    Raises:
        InputError: adapters of different sizes, or tensors that the transformer has no place for.
    """
    if not adapters:
        return None
    config = _common_config({name: adapter for name, (adapter, _) in adapters.items()})
    branch = _mean_branch(list(adapters.values())).to(transformer.device)
    branch.attach(transformer)
    if lora_scale:
        names = [f"{PERSON}_{index}" for index in range(len(adapters))]  # peft allows no dot in a name, identities do
        for name, (identity, (adapter, _)) in zip(names, adapters.items(), strict=True):
            _add_lora(transformer, config, name)
            loaded = set_peft_model_state_dict(transformer, adapter.lora, adapter_name=name)
            if loaded.unexpected_keys:
                raise InputError(f"the adapter of {identity} does not fit the model: no place for {loaded.unexpected_keys[:3]}")
        transformer.set_adapters(names, [weight * lora_scale for _, weight in adapters.values()])
    return branch


def apply_cast(
    transformer: Any, cast: Mapping[int, Mapping[str, tuple[Adapter, float]]], lora_scale: float
) -> dict[int, FaceBranch]:
    """Put the adapters of several dancers on a transformer for rendering: each dancer's as `apply_adapters` has one's.

    The LoRAs act inside `facedance.wan.region_lora.acting_in` only. Returns the branches by dancer, of which the first one is
    attached: the others are seen through its `condition`.

    Raises:
        InputError: as `apply_adapters`.
    """
    if not cast:
        return {}
    config = _common_config({name: adapter for people in cast.values() for name, (adapter, _) in people.items()})
    branches = {dancer: _mean_branch(list(people.values())).to(transformer.device) for dancer, people in cast.items()}
    for branch in list(branches.values())[:1]:
        branch.attach(transformer)
    if lora_scale:
        for people in cast.values():
            for identity, (adapter, _) in people.items():
                _check_places(transformer, adapter, identity)
        strength = lora_scale * config.lora_alpha / config.lora_rank
        add_region_loras(transformer, {dancer: _pairs(list(people.values()), strength) for dancer, people in cast.items()})
    return branches


def add_lora(transformer: Any, config: LoraConfig, name: str) -> None:
    """Add an untrained LoRA beside those that the transformer has; of all of them only the new one is active afterwards."""
    with warnings.catch_warnings():  # peft warns of a second adapter, which a blend has on purpose
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        transformer.add_adapter(config, adapter_name=name)
    dtype = transformer.dtype  # asked once: diffusers looks through all modules for it
    for _, parameter in _added(transformer, name):
        parameter.data = parameter.data.to(dtype)  # peft takes the layer's, which may be stored in float8


def remove_adapters(transformer: Any, branch: FaceBranch | None) -> None:
    """Take off what `apply_adapters` or `apply_cast` put on: the transformer is again as it was loaded."""
    if branch is not None:
        branch.detach()
    remove_region_loras(transformer)
    if getattr(transformer, "peft_config", None):
        transformer.unload_lora()


def _common_config(adapters: Mapping[str, Adapter]) -> AdapterConfig:
    (first, config), *others = ((name, adapter.config) for name, adapter in adapters.items())
    for name, other in others:
        if other != config:
            raise InputError(f"the adapters of {first} and {name} differ in their settings; train them with the same ones")
    return config


def _check_places(transformer: Any, adapter: Adapter, identity: str) -> None:
    modules = dict(transformer.named_modules())
    if misfits := [name for key in adapter.lora if (name := key.rsplit(".", 2)[0]) not in modules]:
        raise InputError(f"the adapter of {identity} does not fit the model: no place for {misfits[:3]}")


def _pairs(adapters: list[tuple[Adapter, float]], strength: float) -> Pairs:
    """The sum of LoRAs, each times its weight and `strength`, as one of a higher rank."""
    modules = dict.fromkeys(key.rsplit(".", 2)[0] for key in adapters[0][0].lora)
    return {
        name: (
            torch.cat([adapter.lora[f"{name}.lora_A.weight"] for adapter, _ in adapters]),
            torch.cat([adapter.lora[f"{name}.lora_B.weight"] * (weight * strength) for adapter, weight in adapters], dim=1),
        )
        for name in modules
    }


def _mean_branch(adapters: list[tuple[Adapter, float]]) -> FaceBranch:
    total = sum(weight for _, weight in adapters)
    with torch.device("meta"):
        branch = FaceBranch(**asdict(adapters[0][0].config.face))
    mean = {
        name: torch.stack([adapter.face[name] * (weight / total) for adapter, weight in adapters]).sum(0)
        for name in adapters[0][0].face
    }
    branch.load_state_dict(mean, assign=True)
    return branch.requires_grad_(False)


def _add_lora(transformer: Any, config: AdapterConfig, name: str) -> None:
    """Add a LoRA on the linear layers of the base blocks (`blocks`, not `vace_blocks`) that `lora_targets` name."""
    patterns = {target: re.compile(rf"blocks\.\d+\.(.+\.)?{re.escape(target)}") for target in config.lora_targets}
    linear = [n for n, module in transformer.named_modules() if isinstance(module, nn.Linear) or hasattr(module, "base_layer")]
    if missing := [target for target, pattern in patterns.items() if not any(map(pattern.fullmatch, linear))]:
        known = sorted({re.sub(r"^blocks\.\d+\.", "", n) for n in linear if re.match(r"blocks\.\d+\.", n) and "lora_" not in n})
        raise InputError(
            f"train.lora_targets: {', '.join(missing)} match no linear layer of the base blocks; there are {', '.join(known)}"
        )
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        target_modules="|".join(pattern.pattern for pattern in patterns.values()),
    )
    add_lora(transformer, lora, name)


class _InInputsDtype(nn.Linear):
    """A linear layer without bias that computes in its input's dtype, whatever its weight's is."""

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight.to(input.dtype))


def _compute_as_the_layers(transformer: Any) -> None:
    """Let the LoRA under training compute in its layers' dtype: peft would turn their inputs into float32, and keep them so."""
    for layer in (module for module in transformer.modules() if isinstance(module, BaseTunerLayer)):
        layer.cast_input_dtype_enabled = False
        for part in (layer.lora_A, layer.lora_B):
            own = part[PERSON]
            part[PERSON] = _InInputsDtype(own.in_features, own.out_features, bias=False, device="meta")
            part[PERSON].weight = own.weight


def _lora_parameters(transformer: Any) -> dict[str, nn.Parameter]:
    """The LoRA's parameters by peft's names in files, which leave out the adapter's name."""
    return {name.replace(f".{PERSON}.", "."): parameter for name, parameter in _added(transformer, PERSON)}


def _added(transformer: Any, adapter: str) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters of one of peft's adapters."""
    return ((name, parameter) for name, parameter in transformer.named_parameters() if f".{adapter}." in name)
