"""Faces between people: weights of their adapters and the embeddings in between."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from facedance.params import Blend


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


def blended_faces(embeddings: Mapping[str, Tensor], blend: Blend | None, frames: int) -> Tensor:
    """Embeddings (F, D) of length 1 of a person or a blend, from the members' own (D,).

    F is 1, or `frames` for a blend that moves from its first to its second member over the clip. Weights give the
    normalised weighted mean; between two, the way goes along the great circle at even speed.
    """
    if blend is not None and blend.between is not None:
        first, second = (embeddings[name] for name in blend.between)
        t = torch.linspace(0, 1, frames) if blend.t == "moving" else torch.tensor([float(blend.t or 0)])
        return slerp(first, second, t)
    weights = member_weights(list(embeddings), blend)
    mean = torch.stack([embeddings[name] * weight for name, weight in weights.items()]).sum(0)
    return torch.nn.functional.normalize(mean, dim=0)[None]


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation (Shoemake 1985) of unit vectors (D,) at t (F,): (F, D)."""
    angle = torch.arccos((a @ b).clamp(-1, 1))
    if angle < 1e-3:  # the same direction: nothing to go along
        return a.expand(len(t), -1)
    return (torch.sin((1 - t) * angle)[:, None] * a + torch.sin(t * angle)[:, None] * b) / torch.sin(angle)
