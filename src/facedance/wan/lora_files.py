"""LoRA files: a person's for other programs, and other programs' on our transformer."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import LoraConfig, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from facedance.files import atomic
from facedance.job import InputError
from facedance.wan.adapter import add_lora, read_adapter, remove_adapters
from facedance.wan.differences import add_differences, parameters_of, remove_differences
from facedance.wan.face_branch import FaceBranch
from facedance.wan.lora_formats import ENTRY, Lora, listed, peft_config, to_format, to_metadata
from facedance.wan.lora_keys import is_for_pictures
from facedance.wan.lora_reading import read_lora

_OTHER_SIZE = "use a LoRA that was trained for this size of Wan2.1"
_log = logging.getLogger("facedance")


def export_lora(adapter: Path, output: Path, name: str) -> None:
    """Write the LoRA of a person's adapter in the format `name` (a key of FORMATS), atomically.

    The face branch has no place in other programs and stays behind. The adapter's metadata goes along.

    Raises:
        InputError: `adapter` is no adapter of this program.
    """
    trained = read_adapter(adapter)
    modules = dict.fromkeys(key.rsplit(".", 2)[0] for key in trained.lora)
    lora = Lora(trained.lora, {module: float(trained.config.lora_alpha) for module in modules})
    with atomic(output) as temporary:
        save_file(to_format(lora, name), temporary, metadata=to_metadata(lora, name, trained.metadata))


def import_lora(path: Path) -> Lora:
    """The LoRA in a file of any of the formats. Raises InputError, as `read_lora` does, and for what is no safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get(ENTRY, "").startswith('{"config"'):
                raise InputError("it is a person's adapter of this program; export its LoRA first (docs/lora.md)")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (safe_open is no mapping)
            return read_lora(tensors, metadata)
    except (InputError, SafetensorError) as error:
        raise InputError(f"{path} cannot be used as a LoRA: {error}") from None


def load_foreign_lora(transformer: Any, path: Path, scale: float = 1.0) -> str:
    """Put the LoRA in a file of any of the formats on a transformer, beside the LoRAs that it has, and return its name there.

    All LoRAs of the transformer are active afterwards. A LoRA that does not fit leaves the transformer as it was. What is for
    the picture of image-to-video models is left out, which the log tells.

    Args:
        scale: strength, times alpha / rank.

    Raises:
        InputError: as `import_lora`, or tensors that the transformer has no place for.
    """
    lora = _fitting(transformer, import_lora(path), path)
    for note in lora.notes:
        _log.warning("%s: %s", path, note)
    present = list(getattr(transformer, "peft_config", {}))
    name = f"foreign_{len(present)}"
    if lora.alphas:
        biases = _biases_of_pairs(lora)
        add_lora(transformer, _config(lora, scale, bool(biases)), name)
        loaded = set_peft_model_state_dict(transformer, lora.tensors | biases, adapter_name=name)
        if loaded.unexpected_keys:
            raise InputError(f"{path} does not fit the model: no place for {listed(loaded.unexpected_keys)}")
        transformer.set_adapter([*present, name])
        lora = replace(lora, differences={n: d for n, d in lora.differences.items() if _of_pair(n) not in biases})
    add_differences(transformer, lora.differences, scale)
    return name


def remove_loras(transformer: Any, branch: FaceBranch | None) -> None:
    """Take off the LoRAs of others, with the adapters and their face branch: the transformer is again as it was loaded."""
    remove_adapters(transformer, branch)
    remove_differences(transformer)


def _fitting(transformer: Any, lora: Lora, path: Path) -> Lora:
    """A LoRA without what is for the pictures of image-to-video models.

    Raises:
        InputError: the transformer has no place for something else.
    """
    linear: dict[str, tuple[int, ...]] = {
        name: (module.out_features, module.in_features)
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) or hasattr(module, "base_layer")
    }
    own = {name: tuple(parameter.shape) for name, parameter in parameters_of(transformer).items()}
    down, up = ({m: lora.tensors[f"{m}.{part}.weight"] for m in lora.alphas} for part in ("lora_A", "lora_B"))
    wanted = {module: (up[module].shape[0], down[module].shape[1]) for module in lora.alphas}
    added = {name: tuple(difference.shape) for name, difference in lora.differences.items()}
    misfits: dict[str, tuple[int, ...] | None] = {
        name: linear.get(name) for name, shape in wanted.items() if linear.get(name) != shape
    }
    misfits |= {name: own.get(name) for name, shape in added.items() if _plain(own.get(name)) != _plain(shape)}
    shapes = wanted | added
    pictures = {n for n, there in misfits.items() if is_for_pictures(n) or (there and _takes_more(n, shapes[n], there))}
    if others := [_misfit(name, shapes[name], there) for name, there in misfits.items() if name not in pictures]:
        fit = any(name.startswith("blocks.") and name not in misfits for name in wanted)
        raise InputError(
            f"{path} does not fit the model in {len(others)} of {len(shapes)} modules: {listed(others)}; "
            + ("the others fit, so it was made for another kind of network of this size" if fit else _OTHER_SIZE)
        )
    if len(pictures) == len(shapes):
        raise InputError(f"{path} is for the picture of image-to-video models alone: use a LoRA for text-to-video or VACE")
    left_out = f"left out {listed(sorted(pictures))}, which are for the picture of image-to-video models and have no place here"
    return replace(
        lora,
        tensors={key: tensor for key, tensor in lora.tensors.items() if key.rsplit(".", 2)[0] not in pictures},
        alphas={module: alpha for module, alpha in lora.alphas.items() if module not in pictures},
        differences={name: difference for name, difference in lora.differences.items() if name not in pictures},
        notes=(*lora.notes, left_out) if pictures else lora.notes,
    )


def _takes_more(name: str, shape: tuple[int, ...], there: tuple[int, ...]) -> bool:
    """Whether a patch embedding takes a picture's channels beside the latents'."""
    return name == "patch_embedding.weight" and len(shape) == len(there) and shape[1] > there[1]


def _misfit(name: str, shape: tuple[int, ...], there: tuple[int, ...] | None) -> str:
    if there is None:
        return f"{name} (not in the model)"
    return f"{name} ({' x '.join(map(str, shape))}, in the model {' x '.join(map(str, there))})"


def _plain(shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """A shape without ones: some programs leave them out."""
    return shape and tuple(n for n in shape if n != 1)


def _of_pair(parameter: str) -> str:
    """peft's name of what is added to a layer's bias beside its pair."""
    return f"{parameter.removesuffix('.bias')}.lora_B.bias"


def _biases_of_pairs(lora: Lora) -> dict[str, Tensor]:
    """Differences of biases whose layers have a pair too: peft adds them, in the transformer's own numbers and not in float8."""
    found = {}
    for module, alpha in lora.alphas.items():
        if alpha and (difference := lora.differences.get(f"{module}.bias")) is not None:
            found[_of_pair(f"{module}.bias")] = difference.flatten() / (alpha / lora.rank(module))  # which peft multiplies by
    return found


def _config(lora: Lora, scale: float, with_biases: bool) -> LoraConfig:
    """peft's settings. Names are whole ones: `proj_out` alone would mean those of the VACE blocks too."""
    config = peft_config(replace(lora, alphas={module: alpha * scale for module, alpha in lora.alphas.items()}))
    for patterns in ("rank_pattern", "alpha_pattern"):
        config[patterns] = {f"^{module}": value for module, value in config[patterns].items()}
    config["target_modules"] = "|".join(re.escape(module) for module in config["target_modules"])
    return LoraConfig(**config, lora_bias=with_biases)
