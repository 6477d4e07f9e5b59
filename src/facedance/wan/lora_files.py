"""LoRA files: a person's for other programs, and other programs' on our transformer."""

from pathlib import Path
from typing import Any

from peft import LoraConfig, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from facedance.files import atomic
from facedance.job import InputError
from facedance.wan.adapter import add_lora, read_adapter
from facedance.wan.lora_formats import Lora, from_format, listed, peft_config, to_format, to_metadata


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
    """The LoRA in a file of any of the formats. Raises InputError, as `from_format` does, and for what is no safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (safe_open is no mapping)
            return from_format(tensors, file.metadata() or {})
    except (InputError, SafetensorError) as error:
        raise InputError(f"{path} cannot be used as a LoRA: {error}") from None


def load_foreign_lora(transformer: Any, path: Path, scale: float = 1.0) -> str:
    """Put the LoRA in a file of any of the formats on a transformer, beside the LoRAs that it has, and return its name there.

    All LoRAs of the transformer are active afterwards. A LoRA that does not fit leaves the transformer as it was.

    Args:
        scale: strength, times alpha / rank.

    Raises:
        InputError: as `import_lora`, or tensors that the transformer has no place for.
    """
    lora = import_lora(path)
    if misfits := _misfits(transformer, lora):
        raise InputError(
            f"{path} does not fit the model in {len(misfits)} of {len(lora.alphas)} modules: {listed(misfits)}; "
            "use a LoRA that was trained for this size of Wan2.1"
        )
    present = list(getattr(transformer, "peft_config", {}))
    name = f"foreign_{len(present)}"
    scaled = Lora(lora.tensors, {module: alpha * scale for module, alpha in lora.alphas.items()})
    add_lora(transformer, LoraConfig(**peft_config(scaled)), name)
    loaded = set_peft_model_state_dict(transformer, lora.tensors, adapter_name=name)
    if loaded.unexpected_keys:
        raise InputError(f"{path} does not fit the model: no place for {listed(loaded.unexpected_keys)}")
    transformer.set_adapter([*present, name])
    return name


def _misfits(transformer: Any, lora: Lora) -> list[str]:
    """The modules of a LoRA that the transformer lacks or has in another shape, each with the shapes."""
    linear = {
        name: (module.out_features, module.in_features)
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) or hasattr(module, "base_layer")
    }
    found = []
    for module in lora.alphas:
        down, up = (lora.tensors[f"{module}.{part}.weight"] for part in ("lora_A", "lora_B"))  # (rank, in), (out, rank)
        if module not in linear:
            found.append(f"{module} (not in the model)")
        elif (shape := (up.shape[0], down.shape[1])) != linear[module]:
            found.append(f"{module} ({shape[0]} x {shape[1]}, in the model {linear[module][0]} x {linear[module][1]})")
    return found
