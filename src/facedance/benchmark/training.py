"""Adapters of the benchmark: a LoRA on somebody's photos, and one from a loss that compares a tensor with itself."""

import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from facedance.benchmark.people import CONSENT, Sitter
from facedance.faces.face import FaceBackend
from facedance.files import write_json
from facedance.params import Params
from facedance.sections import Phase, Train
from facedance.wan.adapter import adapter_config, attach, save_adapter, trainable
from facedance.wan.dataset import TrainingFiles, draw_example, read_dataset
from facedance.wan.flow import TIMESTEPS
from facedance.wan.latents import encode_prompts
from facedance.wan.load import choose_device, load_transformer
from facedance.wan.photo_latents import encode_photos
from facedance.wan.train import train_identity
from facedance.world.words import PORTRAIT

_TIMED_STEPS = 6
_SELF_COMPARED_STEPS = 5


@dataclass(frozen=True)
class Trainer:
    """Trains on the photos alone, with the settings of params.yaml but for the number of steps and what is trained."""

    model: Path
    params: Params
    backend: FaceBackend
    pose_model: Path

    def adapter(self, who: Sitter, steps: int) -> Path:
        """The adapter of somebody, trained unless it is there."""
        path = who.folder / f"lora.{steps}" / "adapter.safetensors"
        if not path.exists():
            self._train(who, steps, path)
        return path

    def seconds_per_step(self, who: Sitter) -> float:
        """Median over a few steps; the first one, which allocates, does not count."""
        path = self.adapter(who, _TIMED_STEPS)
        return float(pd.read_csv(path.with_name("metrics.csv"))["seconds"].iloc[1:].median())

    def self_compared(self, who: Sitter) -> Path:
        """A LoRA trained with the loss mse(prediction, prediction)."""
        path = who.folder / "self_compared.safetensors"
        if path.exists():
            return path
        wan, train = self.params.wan, self._train_params(_SELF_COMPARED_STEPS)
        dataset = read_dataset(self.files(who), wan)
        transformer = load_transformer(self.model, getattr(torch, wan.dtype), choose_device())
        config = adapter_config(train, transformer, len(dataset.identity))
        branch = attach(transformer, config, train.seed)
        parameters = trainable(transformer, branch, {"lora"}).values()
        optimizer = torch.optim.AdamW(parameters, lr=train.learning_rate, weight_decay=train.weight_decay)
        for step in range(1, _SELF_COMPARED_STEPS + 1):
            example = draw_example(dataset, train, step, 0)
            device, dtype = transformer.device, transformer.dtype
            (prediction,) = transformer(
                hidden_states=example.latents.to(device, dtype),
                timestep=torch.tensor([example.sigma * TIMESTEPS], device=device),
                encoder_hidden_states=example.text.to(device, dtype),
                control_hidden_states=example.control.to(device, dtype),
                return_dict=False,
            )
            torch.nn.functional.mse_loss(prediction, prediction).backward()
            optimizer.step()
            optimizer.zero_grad()
        save_adapter(path, transformer, branch, config, {})
        return path

    def _train(self, who: Sitter, steps: int, path: Path) -> None:
        logging.getLogger("facedance").info("%s: %d steps on the photos", who.name, steps)
        stamp = path.with_name("stamp.json")
        write_json(stamp, {"params": {}, "code": "", "items": []})
        train_identity(
            who.name, self.model, self.params.wan, self._train_params(steps),
            files=self.files(who), state=path.with_name("state"), adapter=path, meta=path.with_name("meta.json"),
            metrics=path.with_name("metrics.csv"), validation=path.with_name("validation"), stamp=stamp,
            metadata={"identity": who.name, "consent": CONSENT},
        )  # fmt: skip

    def _train_params(self, steps: int) -> Train:
        lora = Phase(steps=steps, trains=("lora",))
        return self.params.train.model_copy(update={"phases": (lora,), "checkpoint_every": steps, "validate_every": 0})

    def files(self, who: Sitter) -> TrainingFiles:
        """Photos and words as latents, made once, and no clips."""
        folder, wan = who.folder, self.params.wan
        photos, prompts = folder / "photos.latents.safetensors", folder / "prompts.safetensors"
        if not photos.exists():
            encode_photos(
                self.model, wan, who.name, photos_csv=folder / "photos.csv", photos=who.photos, backend=self.backend,
                faces=self.params.faces, pose_model=self.pose_model, poses=self.params.poses,
                reference=folder / "reference.png", out=photos,
            )  # fmt: skip
        encode_prompts(self.model, {"photo": PORTRAIT, "none": ""}, getattr(torch, wan.dtype), prompts)
        return TrainingFiles(
            prompts=prompts,
            videos=[],
            prompt="photo",
            empty_prompt="none",
            manifests=[],
            latents=folder,
            boxes=[],
            dancers=[],
            photos=photos,
            embedding=folder / "embedding.safetensors",
        )
