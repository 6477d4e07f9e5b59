"""The scores of a render, or of one dancer in it: the values of a row of metrics.csv but for the drifts."""

from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate import distances
from facedance.evaluate.agreement import Wanted, faces_of, pose_of
from facedance.evaluate.observe import Observation
from facedance.evaluate.temporal import embedding_consistency

FIGURES = (
    "frames",
    "face_detected_rate", "identity_distance", "nearest_other_distance", "recognised_rate", "swaps", "embedding_consistency",
    "pose_detected_rate", "pose_error_px", "pose_pck", "flicker",
)  # fmt: skip


def figures(seen: Observation, wanted: Wanted) -> dict[str, Any]:
    """`FIGURES` by name; None where there is nothing to measure."""
    frames = len(seen.people)
    faces, joints = faces_of(seen, wanted, 0, frames), pose_of(seen, wanted, 0, frames)
    tracked = ~np.isnan(seen.people[:, 0, 0])
    expected = tracked if wanted.there is None else tracked[wanted.there]
    nearer, judged = swapped_frames(seen, wanted)
    return {
        "frames": frames,
        **(asdict(faces) if faces else {field.name: None for field in fields(distances.IdentityScore)}),
        "swaps": float(nearer.sum() / judged.sum()) if judged.any() else None,
        "embedding_consistency": embedding_consistency(seen.faces),
        "pose_detected_rate": float(np.mean(expected)) if len(expected) else None,
        "pose_error_px": joints.error_px,
        "pose_pck": joints.pck,
        "flicker": float(seen.flicker[0]),
    }


def swapped_frames(seen: Observation, wanted: Wanted) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """In which of the searched frames (S,) the face is nearer to another dancer's person, and in which that can be said."""
    if wanted.target is None or wanted.rivals is None or not len(wanted.rivals):
        return np.zeros(len(seen.scored), np.bool_), np.zeros(len(seen.scored), np.bool_)
    found = np.asarray(~np.isnan(seen.faces).any(axis=1))
    return distances.nearer_to_another(seen.faces, wanted.target, wanted.rivals), found
