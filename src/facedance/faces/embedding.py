"""Identity embeddings: direction and length of what a recogniser says, their distance and their files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from facedance.files import atomic

_NORM = ".norm"


@dataclass(frozen=True)
class Embedding:
    """`vector` (D,) float32 of length 1; times `norm` it is the recogniser's own output."""

    vector: NDArray[np.float32]
    norm: float

    @classmethod
    def of(cls, raw: NDArray[np.floating]) -> "Embedding":
        """From a recogniser's output (D,)."""
        norm = float(np.linalg.norm(raw))
        if not norm > 0:
            raise ValueError("an embedding must not be the zero vector")
        return cls((raw / norm).astype(np.float32), norm)

    @property
    def raw(self) -> NDArray[np.float32]:
        """The recogniser's own output (D,)."""
        return self.vector * np.float32(self.norm)


def distance(a: Embedding, b: Embedding) -> float:
    """Euclidean distance of the recogniser's outputs: for dlib, below 0.6 is the same person."""
    return float(np.linalg.norm(a.raw - b.raw))


def save_embeddings(path: Path | str, embeddings: Mapping[str, Embedding], metadata: Mapping[str, str]) -> None:
    """Write embeddings under their names, each with its length under `<name>.norm`.

    The metadata stands as JSON under the one key "facedance": safetensors writes several keys in random order, and equal
    embeddings are to give equal bytes.
    """
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, embedding in embeddings.items():
        tensors[name] = np.ascontiguousarray(embedding.vector, np.float32)
        tensors[name + _NORM] = np.array([embedding.norm], np.float32)
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={"facedance": json.dumps(dict(metadata), sort_keys=True)})


def load_embeddings(path: Path | str) -> dict[str, Embedding]:
    """The embeddings of a file that `save_embeddings` wrote, by name."""
    with safe_open(path, framework="numpy") as file:
        names = [n for n in file.keys() if not n.endswith(_NORM)]  # noqa: SIM118  (safe_open is no mapping)
        return {n: Embedding(file.get_tensor(n), float(file.get_tensor(n + _NORM)[0])) for n in names}
