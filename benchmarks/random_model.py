"""What benchmarks of published models share: random weights, the shape of clips, and how another program is asked."""

import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from steps import fill_randomly

from facedance.config.sections import Train, WanModel
from facedance.plan.activations import latent_shape
from facedance.train.dataset import Dataset, Source
from facedance.wan.adapter import Adapter, adapter_config, attach, read_adapter, remove_adapters, save_adapter
from facedance.wan.architectures import ARCHITECTURES, Architecture, meta_transformer, meta_vae

ROOT = Path(__file__).parents[1]
MODEL = "wan2.1-vace-1.3b"
SMALL = "small"
EMBEDDING = 512
TEXT = (512, 4096)

_NARROW = {"num_attention_heads": 2, "ffn_dim": 512, "num_layers": 4, "vace_layers": (0, 2)}
MODELS = ARCHITECTURES | {
    SMALL: Architecture({**ARCHITECTURES[MODEL].transformer, **_NARROW}, {"base_dim": 8}, ARCHITECTURES[MODEL].text_encoder)
}
"""The published models, and one of their kind that is small enough to try a benchmark on a CPU."""


def random_transformer(name: str, device: torch.device) -> Any:
    """The transformer of one of MODELS, frozen, in bfloat16."""
    transformer = meta_transformer(MODELS[name], torch.bfloat16)
    fill_randomly(transformer, device)
    return transformer


def random_vae(name: str, device: torch.device) -> Any:
    """The VAE of one of MODELS, frozen, in float32."""
    vae = meta_vae(MODELS[name])
    fill_randomly(vae, device)
    return vae


def random_adapter(transformer: Any, train: Train) -> Adapter:
    """An untrained adapter, of the sizes that `train` asks for, as rendering reads it from a file."""
    config = adapter_config(train, transformer, EMBEDDING)
    branch = attach(transformer, config, train.seed)
    with tempfile.TemporaryDirectory() as folder:
        save_adapter(Path(folder) / "adapter.safetensors", transformer, branch, config, {})
        adapter = read_adapter(Path(folder) / "adapter.safetensors")
    remove_adapters(transformer, branch)
    return adapter


def clip_shape(name: str, wan: WanModel, frames: int) -> tuple[int, int, int]:
    """T', h, w of the latents of a clip of so many frames at a model's largest size."""
    shape = latent_shape(meta_vae(MODELS[name]), wan, frames)
    return shape.frames, shape.height, shape.width


def random_inputs(clip: tuple[int, int, int], device: torch.device | str, batch: int = 1) -> dict[str, Any]:
    """What a forward pass takes for a batch of clips (T', h, w), in bfloat16."""
    return {
        "hidden_states": torch.randn(batch, 16, *clip, device=device, dtype=torch.bfloat16),
        "timestep": torch.full((batch,), 500.0, device=device),
        "encoder_hidden_states": torch.randn(batch, *TEXT, device=device, dtype=torch.bfloat16),
        "control_hidden_states": torch.randn(batch, 96, *clip, device=device, dtype=torch.bfloat16),
    }


def random_faces(count: int = 1) -> torch.Tensor:
    """Embeddings (count, EMBEDDING) of length 1."""
    return torch.nn.functional.normalize(torch.randn(count, EMBEDDING), dim=-1)


def random_dataset(folder: Path, wan: WanModel, clip: tuple[int, int, int]) -> Dataset:
    """A clip (T', h, w) with a reference, and a photo with five landmarks of a face, all noise, in files in a folder."""
    picture = (1, *clip[1:])
    tensors = {"video": torch.randn(16, *clip), "control": torch.randn(96, *clip), "reference": torch.randn(16, *picture)}
    save_file(tensors, folder / "clip.safetensors")
    landmarks = torch.tensor([[0.86, 0.21], [0.65, 0.23], [0.12, 0.21], [0.33, 0.23], [0.49, 0.63]]) * wan.largest[1] / 2
    tensors = {"video": torch.randn(16, *picture), "control": torch.randn(96, *picture), "landmarks": landmarks}
    save_file({f"photo.{name}": tensor for name, tensor in tensors.items()}, folder / "photo.safetensors")
    boxes, size = np.tile(np.float32([40, 10, 80, 60]), (wan.frames, 1)), wan.largest
    (face,), text = random_faces(), torch.randn(TEXT)
    return Dataset(
        clips=(Source("clip_000", "clip", folder / "clip.safetensors", "", boxes, size, face),),
        photos=(Source("photo", "photo", folder / "photo.safetensors", "", boxes[:1], size, face),),
        heldout=None,
        text=text,
        no_text=text,
        preview_text=text,
        identity=face,
    )


def ask(python: Path, script: str, arguments: Iterable[str]) -> tuple[float, ...]:
    """The numbers that a benchmark, run with another environment's Python, says last."""
    command = [str(python), str(Path(__file__).with_name(script)), *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    return tuple(map(float, said.split()))
