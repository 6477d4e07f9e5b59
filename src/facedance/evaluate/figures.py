"""The scores of a render: the values of a row of metrics.csv but for the drifts."""

from dataclasses import asdict
from typing import Any

import numpy as np

from facedance.evaluate.agreement import Wanted, faces_of, pose_of
from facedance.evaluate.observe import Observation
from facedance.evaluate.temporal import embedding_consistency

FIGURES = (
    "frames",
    "face_detected_rate", "identity_distance", "nearest_other_distance", "recognised_rate", "embedding_consistency",
    "pose_detected_rate", "pose_error_px", "pose_pck", "flicker",
)  # fmt: skip


def figures(seen: Observation, wanted: Wanted) -> dict[str, Any]:
    """`FIGURES` by name; None where there is nothing to measure."""
    frames = len(seen.people)
    faces, joints = faces_of(seen, wanted, 0, frames), pose_of(seen, wanted, 0, frames)
    assert faces is not None, "the first frame is always searched for a face"
    return {
        "frames": frames,
        **asdict(faces),
        "embedding_consistency": embedding_consistency(seen.faces),
        "pose_detected_rate": float(np.mean(~np.isnan(seen.people[:, 0, 0]))),
        "pose_error_px": joints.error_px,
        "pose_pck": joints.pck,
        "flicker": float(seen.flicker[0]),
    }
