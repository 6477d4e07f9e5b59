"""What a face branch learns from, and by whom it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.faces.embedding import Embedding, distance
from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.train.dataset import Dataset
from facedance.train.portraits import PortraitSource, mean_embedding, read_portraits

FEWEST = 2
"""People held out, of whom fewer could not be mistaken for each other; and to learn from, of whom fewer have no spread."""


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
        """What a training learns from: faces of others, and nobody's photos; `identity` is everybody's mean."""
        mean = torch.stack([portrait.given for portrait in self.learned]).mean(0)
        identity = F.normalize(mean, dim=0)
        return Dataset((), (), None, text, no_text, preview_text=text, identity=identity, others=self.learned)


def read_people(tables: Sequence[Path], latents: Sequence[Path], window: int, share: float, alike: float) -> People:
    """The portraits in all parts.

    Args:
        window: side in pixels of their windows.
        share: of the people, how many are held out.
        alike: no two people are held out whose embeddings are nearer than this, as they may be one.

    Raises:
        InputError: too few people to hold some out.
    """
    people = read_portraits(tables, latents, window)
    heldout = choose_heldout({name: mean_embedding([p.own for p in own]) for name, own in people.items()}, share, alike)
    learned = [name for name in people if name not in heldout]
    if len(heldout) < FEWEST or len(learned) < FEWEST:
        raise InputError(
            f"data/people holds usable portraits of {len(people)} people, of whom {len(heldout)} unlike ones would be held out "
            f"and {len(learned)} learned from: thousands are needed, {FEWEST} or more of them held out (face_branch.heldout is "
            f"{share:g})"
        )
    return People(
        tuple(portrait for name in learned for portrait in people[name]),
        tuple(portrait for name in heldout for portrait in people[name]),
    )


def choose_heldout(people: Mapping[str, Embedding], share: float, alike: float) -> list[str]:
    """A share of the people, FEWEST at least, in an order that has nothing to do with names or faces; no two of them alike."""
    wanted, chosen = max(FEWEST, round(share * len(people))), list[str]()
    for name in sorted(people, key=lambda name: digest(["held out", name])):
        if len(chosen) < wanted and all(distance(people[name], people[other]) >= alike for other in chosen):
            chosen.append(name)
    return chosen


def data_digest(tables: Sequence[Path], latents: Sequence[Path], heldout: Sequence[str]) -> str:
    """Of all that is learned from."""
    return digest([*map(sha256, tables), *map(sha256, latents), *heldout])
