"""Portraits of other people: a head in a square window, learned with the embedding of its own face.

They teach a face branch that a face comes from its embedding. A branch of a model's own is trained from nothing else; where
a person's training begins one, they stand beside the person's photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from torch import Tensor

from facedance.faces.embedding import Embedding
from facedance.files import digest, sha256
from facedance.train.items import Item
from facedance.wan.flow import box_mask


@dataclass(frozen=True)
class PortraitSource:
    """Where a portrait's latents lie, and whom it shows."""

    name: str
    person: str
    file: Path  # as `facedance.face_branch.portraits.encode_part` writes it
    row: int  # in that file
    window: int  # side of the window in pixels
    own: Embedding  # of the face in this portrait
    given: Tensor  # (D,) of length 1, with which it is learned: of the person's other portraits, its own where there are none
    text: Tensor | None = None  # (512, text dim) what is said of it; None where the dataset's goes with it

    def load(self) -> Item:
        """Read the latents."""
        with safe_open(self.file, framework="pt") as file:
            video, reactive, box, seen, landmarks = (
                file.get_slice(name)[self.row].float() for name in ("video", "reactive", "box", "seen", "landmarks")
            )
            control = torch.cat([file.get_tensor("inactive").float(), reactive, file.get_tensor("mask").float()])
        shape, size = (video.shape[1], video.shape[2], video.shape[3]), (self.window, self.window)
        return Item(
            video,
            control,
            reference=None,
            face=box_mask(box.numpy()[None], size, shape),
            seen=box_mask(seen.numpy()[None], size, shape),
            landmarks=landmarks,
            embedding=self.given,
        )


def read_portraits(tables: Sequence[Path], latents: Sequence[Path], window: int) -> dict[str, list[PortraitSource]]:
    """The accepted portraits in all parts by whom they show, sorted by name, each given the embedding of that person's others.

    Args:
        tables: csv of each part: portrait, person, status.
        latents: safetensors of each part, in the same order.
        window: side in pixels of their windows.
    """
    portraits = [portrait for table, file in zip(tables, latents, strict=True) for portrait in _read_part(table, file, window)]
    people: dict[str, list[PortraitSource]] = {}
    for portrait in sorted(portraits, key=lambda p: p.name):
        people.setdefault(portrait.person, []).append(portrait)
    return {name: _of_the_others(own) for name, own in people.items()}


def portraits_digest(portraits: Sequence[PortraitSource]) -> str:
    """Of all that is learned from them, but for what is said."""
    files = {portrait.file: sha256(portrait.file) for portrait in portraits}
    return digest([*files.values(), *([portrait.name, portrait.row] for portrait in portraits)])


def mean_embedding(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean of what a recogniser said."""
    return Embedding.of(np.mean([embedding.raw for embedding in embeddings], axis=0, dtype=np.float64))


def _read_part(table: Path, latents: Path, window: int) -> list[PortraitSource]:
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    used = rows[rows["status"] == "accepted"]
    if used.empty:
        return []
    with safe_open(latents, framework="numpy") as file:
        vectors, norms = file.get_tensor("embedding"), file.get_tensor("norm").tolist()
    named = enumerate(used[["portrait", "person"]].itertuples(index=False))
    return [
        PortraitSource(
            name, person, latents, row, window, own := Embedding(vectors[row], norms[row]), torch.from_numpy(own.vector)
        )
        for row, (name, person) in named
    ]


def _of_the_others(portraits: Sequence[PortraitSource]) -> list[PortraitSource]:
    """One person's portraits, each learned with the embedding of the others: a face, and not this light and this smile."""
    given = []
    for portrait in portraits:
        others = [p.own for p in portraits if p is not portrait] or [portrait.own]
        given.append(replace(portrait, given=torch.from_numpy(mean_embedding(others).vector)))
    return given
