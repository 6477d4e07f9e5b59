"""A small world of people to train a face branch with: portraits of random latents, and a random model."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from facedance.config.face_branch import FaceBranchTraining
from facedance.config.render_settings import RenderSettings
from facedance.face_branch.portraits import COLUMNS
from facedance.face_branch.train import BranchFiles, Judging
from facedance.faces.embedding import Embedding
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR, build_tiny
from tests.faces.people import dlib_folder
from tests.train.training_world import TRAIN, WAN, D

SIDE = WAN.sizes[0][1] // SPATIAL_FACTOR // 3  # latent pixels of a window
PARTS = {"0000": ["ann/1.jpg", "ann/2.jpg", "bob.jpg", "broken.jpg"], "0001": ["cay.jpg", "dan.jpg", "eve.jpg"]}
CHOSEN = FaceBranchTraining(licence="ours", heldout=0.4, steps=5, learning_rate=0.01, batch_size=4, identity_weight=0.0)
SMALL = TRAIN.model_copy(update={"face_tokens": 2, "face_rank": 4, "mapper_width": 16, "checkpoint_every": 2})


def write_people(folder: Path) -> None:
    """A model, texts and two parts of five people."""
    rng = np.random.default_rng(0)

    def latents(*shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(shape).astype(np.float16))

    build_tiny(folder / "model", seed=0)
    texts = {name: torch.from_numpy(rng.standard_normal((512, 64), np.float32)) for name in ("portrait", "negative", "none")}
    save_file(texts, folder / "texts.safetensors")
    for part, portraits in PARTS.items():
        rows = [
            (p, p.split("/")[0], *(("rejected", "empty file: 0") if p == "broken.jpg" else ("accepted", ""))) for p in portraits
        ]
        pd.DataFrame(rows, columns=COLUMNS[:4]).to_csv(folder / f"{part}.csv", index=False)
        used = sum(row[2] == "accepted" for row in rows)
        faces = [Embedding.of(rng.standard_normal(D)) for _ in range(used)]
        tensors = {
            "video": latents(used, LATENT_CHANNELS, 1, SIDE, SIDE),
            "reactive": latents(used, LATENT_CHANNELS, 1, SIDE, SIDE),
            "inactive": latents(LATENT_CHANNELS, 1, SIDE, SIDE),
            "mask": torch.ones(SPATIAL_FACTOR**2, 1, SIDE, SIDE, dtype=torch.float16),
            "box": torch.tensor([[4.0, 4, 12, 12]]).repeat(used, 1),
            "seen": torch.tensor([[0.0, 0, 16, 12]]).repeat(used, 1),
            "landmarks": torch.tensor([[[11.0, 6], [9, 6], [5, 6], [7, 6], [8, 9]]]).repeat(used, 1, 1),
            "embedding": torch.from_numpy(np.stack([face.vector for face in faces])),
            "norm": torch.tensor([face.norm for face in faces]),
        }
        save_file(tensors, folder / f"{part}.safetensors")


def files_in(world: Path, out: Path) -> BranchFiles:
    return BranchFiles(
        tables=[world / f"{part}.csv" for part in PARTS],
        latents=[world / f"{part}.safetensors" for part in PARTS],
        texts=world / "texts.safetensors",
        model=world / "model",
        recogniser=dlib_folder(),
        state=out / "state",
        branch=out / "branch",
        metrics=out / "metrics.csv",
    )


def judging() -> Judging:
    return Judging("dlib", RenderSettings(steps=1, guidance_scale=1.0))
