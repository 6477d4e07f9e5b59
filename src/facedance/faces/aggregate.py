"""From embeddings to identities: one of several photos, blends of people, and the way from one to another."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facedance.config.rendering import Blend
from facedance.faces.embedding import Embedding


def aggregate(
    embeddings: Sequence[Embedding], weights: Sequence[float], how: Literal["mean", "weighted_mean", "median"]
) -> Embedding:
    """One embedding of several photos of a person, from the recogniser's own outputs.

    Args:
        weights: one for each embedding; only "weighted_mean" uses them.
        how: "median" is taken in each dimension by itself.
    """
    raw = np.stack([e.raw for e in embeddings]).astype(np.float64)  # (N, D)
    if how == "median":
        return Embedding.of(np.median(raw, axis=0))
    return Embedding.of(np.average(raw, axis=0, weights=weights if how == "weighted_mean" else None))


def blend(embeddings: Mapping[str, Embedding], weights: Mapping[str, float]) -> Embedding:
    """A face between several people: their mean with `weights`, which need not sum to 1.

    Raises:
        ValueError: a name in `weights` has no embedding.
    """
    _require(weights, embeddings)
    return aggregate([embeddings[name] for name in weights], list(weights.values()), "weighted_mean")


def interpolate(a: Embedding, b: Embedding, t: float) -> Embedding:
    """The face at `t` on the way from `a` (t = 0) to `b` (t = 1): directions by slerp (Shoemake 1985), lengths linearly.

    Raises:
        ValueError: `t` is not in [0, 1], or the directions are opposite, so that every way is as good.
    """
    if not 0 <= t <= 1:
        raise ValueError(f"t is {t}; it must be from 0 to 1")
    u, v = a.vector.astype(np.float64), b.vector.astype(np.float64)
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < 1e-3:  # vectors are float32
        if u @ v < 0:
            raise ValueError("there is no shortest way between opposite directions")
        direction = (1 - t) * u + t * v
    else:
        direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return Embedding(direction.astype(np.float32), (1 - t) * a.norm + t * b.norm)


def track(spec: Blend, embeddings: Mapping[str, Embedding], frames: int) -> NDArray[np.float32]:
    """Directions (F, D) of a blend over a clip: F = `frames` when t moves from 0 to 1 over it, else 1.

    Raises:
        ValueError: an identity of the blend has no embedding.
    """
    if spec.weights is not None:
        return blend(embeddings, spec.weights).vector[None]
    _require(spec.members, embeddings)
    a, b = (embeddings[name] for name in spec.members)
    steps = [i / max(frames - 1, 1) for i in range(frames)] if spec.t == "moving" else [float(spec.t or 0)]
    return np.stack([interpolate(a, b, t).vector for t in steps])


def _require(names: Iterable[str], embeddings: Mapping[str, Embedding]) -> None:
    if missing := sorted(set(names) - set(embeddings)):
        raise ValueError(f"no embedding of {', '.join(missing)}; there are {', '.join(sorted(embeddings)) or 'none'}")
