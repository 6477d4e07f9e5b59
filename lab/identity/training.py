"""Adapters of the benchmark: a LoRA on somebody's photos, and one from a loss that compares a tensor with itself."""

from dataclasses import dataclass
from pathlib import Path

import torch

from facedance.config.captions import TrainingTexts
from facedance.config.sections import Faces, Phase, Poses, Train, WanModel
from facedance.faces.face import FaceBackend
from facedance.latents.encode import encode_prompts
from facedance.latents.photos import PhotoFiles, encode_photos
from facedance.train.dataset import NO_TEXT, TrainingFiles, draw_example, read_dataset
from facedance.train.learner import predict
from facedance.train.loop import AdapterFiles, train_identity
from facedance.wan.adapter import adapter_config, attach, save_adapter, trainable
from facedance.wan.load import choose_device, load_transformer
from lab.identity.recipes import ADAPTERS, LORA, METRICS
from lab.identity.sitters import Sitter
from lab.world.words import PORTRAIT

PROMPT = "photo"
_SELF_COMPARED_STEPS = 5


@dataclass(frozen=True)
class Trainer:
    """Trains on the photos alone, with the settings of params.yaml but for the number of steps and what is trained."""

    model: Path
    wan: WanModel
    params: Train
    faces: Faces
    poses: Poses
    backend: FaceBackend
    recogniser: Path  # dlib's folder
    pose_model: Path

    def train(self, who: Sitter, steps: int) -> None:
        """Write both adapters of somebody; what was interrupted goes on."""
        folder, files = who.folder / LORA, self.files(who)
        out = AdapterFiles(
            state=folder / "state",
            adapter=folder / ADAPTERS["own"],
            meta=folder / "meta.json",
            metrics=folder / METRICS,
            likeness=folder / "validation.csv",
            validation=folder / "validation",
        )
        train_identity(who.name, files, out, self.wan, self._train_params(steps), TrainingTexts.one(PROMPT))
        self._compare_with_itself(files, folder / ADAPTERS["self-compared"])

    def _compare_with_itself(self, files: TrainingFiles, path: Path) -> None:
        """Train a LoRA with the loss mse(prediction, prediction)."""
        wan, train = self.wan, self._train_params(_SELF_COMPARED_STEPS)
        dataset = read_dataset(files, wan, train, TrainingTexts.one(PROMPT))
        transformer = load_transformer(self.model, getattr(torch, wan.dtype), choose_device(wan))
        config = adapter_config(train, transformer, len(dataset.identity))
        branch = attach(transformer, config, train.seed)
        parameters = trainable(transformer, branch, {"lora"}).values()
        optimizer = torch.optim.AdamW(parameters, lr=train.learning_rate, weight_decay=train.weight_decay)
        for step in range(1, _SELF_COMPARED_STEPS + 1):
            prediction = predict(transformer, draw_example(dataset, train, step, 0))
            torch.nn.functional.mse_loss(prediction, prediction).backward()
            optimizer.step()
            optimizer.zero_grad()
        save_adapter(path, transformer, branch, config, {})

    def _train_params(self, steps: int) -> Train:
        lora = Phase(steps=steps, trains=("lora",))
        return self.params.model_copy(update={"phases": (lora,), "validate_every": 0})

    def files(self, who: Sitter) -> TrainingFiles:
        """Photos and words as latents, and no clips. The benchmark is in one shape, the model's first."""
        folder, wan = who.folder, self.wan.model_copy(update={"sizes": self.wan.sizes[:1]})
        photos, prompts = folder / LORA / "photos.safetensors", folder / LORA / "prompts.safetensors"
        named = {path.name: path for path in who.photos}
        sources = PhotoFiles(folder / "photos.csv", named, folder / "reference.png", self.pose_model, latents=photos)
        encode_photos(who.name, sources, self.model, wan, self.backend, self.faces, self.poses, self.params.face_shares)
        encode_prompts(self.model, wan, {PROMPT: PORTRAIT, NO_TEXT: ""}, prompts)
        return TrainingFiles(
            model=self.model,
            recogniser=self.recogniser,
            prompts=prompts,
            manifests=[],
            latents=folder / LORA,
            boxes=[],
            dancers=[],
            photos=photos,
            embedding=folder / "embedding.safetensors",
            faces=folder / "photos.safetensors",
        )
