"""A small world to train on: a tiny model, clips and photos, all random."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from facedance.config.captions import TrainingTexts
from facedance.config.sections import Phase, Train, WanModel
from facedance.faces.dlib_network import DIMENSION
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.latents.references import reference_name
from facedance.train.dataset import NO_TEXT, Dataset, TrainingFiles, read_dataset
from facedance.train.example import generator, make_example
from facedance.train.learner import Learner
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.load import load_transformer
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR, TEMPORAL_FACTOR, build_tiny
from tests.faces.people import dlib_folder

WAN = WanModel(
    repo=None,
    revision=None,
    sizes=[(32, 48)],
    frames=5,
    fps=8,
    clip_scale=2,
    drawing_side=128,
    dtype="float32",
)
BOTH, LORA = Phase(steps=7, trains=("face", "lora")), Phase(steps=4, trains=("lora",))
TRAIN = Train(
    phases=(BOTH, LORA),
    videos=("*",),
    batch_size=2,
    learning_rate=0.01,
    final_learning_rate=0.1,
    warmup_steps=2,
    weight_decay=0.01,
    max_grad_norm=1.0,
    lora_rank=2,
    lora_alpha=2,
    lora_targets=("to_q", "to_out.0"),
    face_tokens=2,
    face_rank=4,
    mapper_width=16,
    text_dropout=0.2,
    face_dropout=0.2,
    reference_dropout=0.5,
    photo_share=0.5,
    identity_weight=0.5,
    face_weight=4.0,
    noise_shift=3.0,
    ema_decay=0.5,
    gradient_checkpointing=False,
    checkpoint_every=3,
    validate_every=0,
    seed=0,
)
SAID = TrainingTexts.one("dance")
D, Z, CONTROL = DIMENSION, LATENT_CHANNELS, 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2
LENGTH = (WAN.frames - 1) // TEMPORAL_FACTOR + 1
WIDTH, HEIGHT = (side // SPATIAL_FACTOR for side in WAN.sizes[0])


def write_world(folder: Path, dimension: int = D) -> None:
    """A tiny model, four clips of three dances (the face of one dancer is not known) and two photos, all random.

    `dimension`: length of the faces' embeddings.
    """
    rng = np.random.default_rng(0)

    def latents(channels: int, frames: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal((channels, frames, HEIGHT, WIDTH), np.float32))

    def embedding() -> Embedding:
        return Embedding.of(rng.standard_normal(dimension))

    build_tiny(folder / "model", seed=0)
    clips = ["a_000", "a_001", "b_000", "c_000"]
    for clip in clips:
        tensors = {"video": latents(Z, LENGTH), "control": latents(CONTROL, LENGTH), "reference": latents(Z, 1)}
        save_file(tensors, folder / f"{clip}.safetensors")
    size = WAN.clip_size(WAN.sizes[0])
    rows = [(clip, "accepted", *size, f"{clip}.safetensors", "") for clip in clips] + [("d_000", "rejected", "", "", "", "")]
    pd.DataFrame(rows, columns=["clip", "status", "width", "height", "file", "sha256"]).to_csv(folder / "clips.csv", index=False)
    boxes = [(clip, frame, 16.0, 16.0, 32.0, 40.0) for clip in clips[:3] for frame in range(1, 5)]
    pd.DataFrame(boxes, columns=["clip", "frame", "x0", "y0", "x1", "y1"]).to_parquet(folder / "boxes.parquet")
    save_embeddings(folder / "dancers.safetensors", {clip: embedding() for clip in clips[:3]}, {})
    head = latents(Z, 1)
    photos = {reference_name(head): head}
    for name in ("one.png.face", "two.jpg.whole"):
        photos |= {f"{name}.video": latents(Z, 1), f"{name}.control": latents(CONTROL, 1)}
        photos |= {f"{name}.box": torch.tensor([8.0, 8.0, 20.0, 24.0]), f"{name}.seen": torch.tensor([0.0, 0.0, 24.0, 48.0])}
        photos[f"{name}.size"] = torch.tensor(WAN.sizes[0])
        photos[f"{name}.landmarks"] = torch.tensor([[18.0, 13], [16, 13], [10, 13], [12, 13], [14, 18]])
    save_file(photos, folder / "photos.safetensors")
    save_embeddings(folder / "embedding.safetensors", {"embedding": embedding()}, {})
    save_embeddings(folder / "faces.safetensors", {name: embedding() for name in ("one.png", "two.jpg")}, {})
    save_file(
        {name: torch.randn(512, 64, generator=generator(i)) for i, name in enumerate(["dance", NO_TEXT])},
        folder / "p.safetensors",
    )


def files_in(folder: Path) -> TrainingFiles:
    return TrainingFiles(
        model=folder / "model",
        recogniser=dlib_folder(),
        prompts=folder / "p.safetensors",
        manifests=[folder / "clips.csv"],
        latents=folder,
        boxes=[folder / "boxes.parquet"],
        dancers=[folder / "dancers.safetensors"],
        photos=folder / "photos.safetensors",
        embedding=folder / "embedding.safetensors",
        faces=folder / "faces.safetensors",
    )


def dataset_in(folder: Path, train: Train = TRAIN) -> Dataset:
    return read_dataset(files_in(folder), WAN, train, SAID)


def learner_for(world: Path, train: Train, dtype: torch.dtype = torch.float32) -> Learner:
    torch.set_num_threads(1)
    transformer = load_transformer(world / "model", dtype, torch.device("cpu"))
    return Learner(transformer, attach(transformer, adapter_config(train, transformer, D), train.seed), train)


def changed(**changes) -> Train:
    return TRAIN.model_copy(update=changes)


def fixed_example(dataset, sigma: float = 0.6):
    return make_example(
        dataset.photos[0].load(),
        text=dataset.text,
        embedding=dataset.identity,
        sigma=sigma,
        with_reference=False,
        face_weight=4.0,
        random=generator(9),
    )
