"""The scores of each of several dancers in a video."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Evaluate
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.distances import recognised_within
from facedance.evaluate.figures import figures, swapped_frames
from facedance.evaluate.observe import Observation, observe_group
from facedance.faces.embedding import Embedding
from facedance.faces.face import FaceBackend
from facedance.video.pictures import Frame, Frames


@dataclass(frozen=True)
class GroupFigures:
    """Scores of a video of P dancers."""

    dancers: tuple[dict[str, Any], ...]  # of each what `figures` gives
    swaps: float | None
    """Share of the frames in which a dancer's face is nearer to another's person, of those with a face of somebody's; None if
    there is none."""


def group_figures(
    frames: Sequence[Frame] | Frames,
    joints: NDArray[np.floating],
    persons: Sequence[Embedding | None],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    fps: int,
    others: Sequence[Embedding] = (),
) -> GroupFigures:
    """The scores of each of several dancers in a video.

    Args:
        frames: (H, W, 3), such as `Footage` or an array; faces should have some 24 pixels and more.
        joints: (P, T, 17, 2) COCO's joints of those who drive it, in pixels of the frames; NaN where they are not there.
        persons: whom each of them becomes; None for nobody in particular, whose face is not judged.
        others: further faces that theirs must not be taken for.
    """
    visible = np.isfinite(joints).all(axis=-1, keepdims=True)
    driving = np.concatenate([joints, visible], axis=-1)
    seen = observe_group(frames, driving, backend, pose_model, params, fps)
    near = recognised_within(backend, params)
    dancers, swapped = [], np.zeros((2, len(frames)), np.bool_)
    for i, own in enumerate(persons):
        one = seen.of(i)
        rivals = [who for j, who in enumerate(persons) if who is not None and j != i]
        wanted = Wanted(
            target=None if own is None else _each(own, one),
            others=np.array([who.raw for who in (*rivals, *others)], np.float32).reshape(-1, backend.dimension),
            recognised_distance=near,
            driving=driving[i],
            rivals=np.stack([_each(who, one) for who in rivals]) if rivals else None,
            there=seen.there[i],
        )
        dancers.append(figures(one, wanted))
        for which, among in zip(swapped_frames(one, wanted), swapped, strict=True):
            among[one.scored[which]] = True
    nearer, judged = swapped
    return GroupFigures(tuple(dancers), float(nearer.sum() / judged.sum()) if judged.any() else None)


def _each(who: Embedding, seen: Observation) -> NDArray[np.float32]:
    """The same face (S, D) for each frame that was searched."""
    return np.tile(who.raw, (len(seen.scored), 1))
