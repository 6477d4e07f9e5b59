"""Whose face is it? Distances of rendered faces to the target and to everybody else who is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate
from facedance.faces.aggregate import blend, interpolate
from facedance.faces.embedding import Embedding
from facedance.faces.face import FaceBackend


@dataclass(frozen=True)
class IdentityScore:
    """Recognition over the scored frames of a render; None where there is nothing to measure."""

    face_detected_rate: float
    identity_distance: float | None
    nearest_other_distance: float | None
    recognised_rate: float | None


def compare(
    faces: NDArray[np.float32], target: NDArray[np.float32], others: NDArray[np.float32], recognised_distance: float
) -> IdentityScore:
    """Score faces (S, D), NaN rows where none was found, against the target (S, D) of each frame and others (K, D).

    Distances are means over the frames with a face. A frame is recognised when it has a face, the target is the nearest of
    all and nearer than `recognised_distance`; frames without a face count as not recognised, because leaving them out (as
    FaceSim protocols do) flatters a model that hides the face.
    """
    found = ~np.isnan(faces).any(axis=1)  # (S,)
    to_target = np.linalg.norm(faces - target, axis=1)[found]  # (F,)
    to_others = np.linalg.norm(faces[found, None] - others[None], axis=2).min(axis=1, initial=np.inf)  # (F,)
    recognised = (to_target < recognised_distance) & (to_target < to_others)
    any_face = bool(found.any())
    return IdentityScore(
        face_detected_rate=float(found.mean()),
        identity_distance=float(to_target.mean()) if any_face else None,
        nearest_other_distance=float(to_others.mean()) if any_face and len(others) else None,
        recognised_rate=float(recognised.sum() / len(faces)),
    )


def recognised_within(backend: FaceBackend, params: Evaluate) -> float:
    """The distance below which a face counts as recognised: the recogniser's own where the parameters name none."""
    return backend.recognised_distance if params.recognised_distance is None else params.recognised_distance


def nearer_to_another(faces: NDArray[np.float32], target: NDArray[np.float32], rivals: NDArray[np.float32]) -> NDArray[np.bool_]:
    """In which frames (S,) a face (S, D) is nearer to one of rivals (K, S, D) than to the target (S, D); no face is no nearer."""
    own = np.linalg.norm(faces - target, axis=1)
    nearer: NDArray[np.bool_] = (np.linalg.norm(faces - rivals, axis=2) < own).any(axis=0)
    return nearer


@dataclass(frozen=True)
class People:
    """Everybody whose face is known."""

    identities: Mapping[str, Embedding]
    blends: Mapping[str, Blend]
    dancers: Sequence[Embedding]

    def target(self, name: str, frames: Sequence[int], of: int) -> NDArray[np.float32]:
        """The recogniser's output (S, D) that a render of `name` should show in each of `frames` of a video `of` so many.

        One row repeated, except for a blend whose face moves over the clip.
        """
        if name in self.identities:
            return np.stack([self.identities[name].raw] * len(frames))
        spec = self.blends[name]
        if spec.weights is not None:
            return np.stack([blend(self.identities, spec.weights).raw] * len(frames))
        first, second = (self.identities[member] for member in spec.members)
        along = [frame / max(of - 1, 1) if spec.t == "moving" else float(spec.t or 0) for frame in frames]
        return np.stack([interpolate(first, second, t).raw for t in along])

    def others(self, name: str) -> NDArray[np.float32]:
        """Whom (K, D) a face of `name` must not be taken for: the dancers and the identities that it is not made of."""
        own = {name, *(self.blends[name].members if name in self.blends else ())}
        people = [embedding.raw for other, embedding in sorted(self.identities.items()) if other not in own]
        people += [embedding.raw for embedding in self.dancers]
        dimension = next(iter(self.identities.values())).vector.shape
        return np.stack(people) if people else np.empty((0, *dimension), np.float32)
