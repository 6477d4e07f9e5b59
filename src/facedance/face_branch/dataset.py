"""What a face branch learns from, and by whom it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from facedance.faces.embedding import Embedding, distance
from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.train.dataset import Dataset
from facedance.train.items import Item
from facedance.wan.flow import box_mask

FEWEST = 2
"""People held out: of fewer nobody can be mistaken for another."""


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

    @property
    def text(self) -> None:
        """The dataset's goes with all."""
        return

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


@dataclass(frozen=True)
class People:
    """Portraits of everybody, without any who are held out, and theirs."""

    learned: tuple[PortraitSource, ...]
    heldout: tuple[PortraitSource, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the people who are held out."""
        return tuple(dict.fromkeys(portrait.person for portrait in self.heldout))

    def dataset(self, text: Tensor, no_text: Tensor) -> Dataset:
        """What a training learns from; `identity` is everybody's mean."""
        mean = torch.stack([portrait.given for portrait in self.learned]).mean(0)
        return Dataset((), self.learned, None, text, no_text, preview_text=text, identity=F.normalize(mean, dim=0))


def read_people(tables: Sequence[Path], latents: Sequence[Path], window: int, share: float, alike: float) -> People:
    """The portraits in all parts.

    Args:
        window: side in pixels of their windows.
        share: of the people, how many are held out.
        alike: no two people are held out whose embeddings are nearer than this, as they may be one.

    Raises:
        InputError: too few people to hold some out.
    """
    portraits = [portrait for table, file in zip(tables, latents, strict=True) for portrait in _read_part(table, file, window)]
    people: dict[str, list[PortraitSource]] = {}
    for portrait in sorted(portraits, key=lambda p: p.name):
        people.setdefault(portrait.person, []).append(portrait)
    heldout = choose_heldout({name: mean_embedding([p.own for p in own]) for name, own in people.items()}, share, alike)
    learned = [name for name in people if name not in heldout]
    if len(heldout) < FEWEST or not learned:
        raise InputError(
            f"data/people holds usable portraits of {len(people)} people, of whom {len(heldout)} unlike ones would be held out "
            f"and {len(learned)} learned from: thousands are needed, {FEWEST} or more of them held out (face_branch.heldout is "
            f"{share:g})"
        )
    given = {name: _of_the_others(own) for name, own in people.items()}
    return People(
        tuple(portrait for name in learned for portrait in given[name]),
        tuple(portrait for name in heldout for portrait in given[name]),
    )


def choose_heldout(people: Mapping[str, Embedding], share: float, alike: float) -> list[str]:
    """A share of the people, FEWEST at least, in an order that has nothing to do with names or faces; no two of them alike."""
    wanted, chosen = max(FEWEST, round(share * len(people))), list[str]()
    for name in sorted(people, key=lambda name: digest(["held out", name])):
        if len(chosen) < wanted and all(distance(people[name], people[other]) >= alike for other in chosen):
            chosen.append(name)
    return chosen


def mean_embedding(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean of what a recogniser said."""
    return Embedding.of(np.mean([embedding.raw for embedding in embeddings], axis=0, dtype=np.float64))


def data_digest(tables: Sequence[Path], latents: Sequence[Path], heldout: Sequence[str]) -> str:
    """Of all that is learned from."""
    return digest([*map(sha256, tables), *map(sha256, latents), *heldout])


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
