"""Faces between people: weights of their adapters and the embeddings in between."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from facedance.config.rendering import Blend
from facedance.faces.aggregate import track
from facedance.faces.embedding import Embedding


def member_weights(people: Sequence[str], blend: Blend | None) -> dict[str, float]:
    """How much of each person is in the adapters, in sum 1; a moving blend has one adapter for the clip, half of each."""
    if blend is None:
        if len(people) != 1:
            raise ValueError(f"{len(people)} people and no blend; without a blend it must be one")
        return {people[0]: 1.0}
    if blend.weights is not None:
        total = sum(blend.weights.values())
        return {name: weight / total for name, weight in blend.weights.items()}
    assert blend.between is not None
    first, second = blend.between
    t = 0.5 if blend.t == "moving" else float(blend.t or 0)
    return {first: 1 - t, second: t}


def blended_faces(embeddings: Mapping[str, Embedding], blend: Blend | None, frames: int) -> Tensor:
    """Directions (F, D) of the face of a person or a blend, from the members' embeddings: what a render is scored against.

    F is 1, or `frames` for a blend that moves from its first to its second member over the clip.
    """
    if blend is None:
        (person,) = embeddings.values()
        return torch.from_numpy(person.vector)[None]
    return torch.from_numpy(track(blend, embeddings, frames))
