"""Comparing poses: distance in pixels and PCK, over the COCO-17 joints that every source of landmarks knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.poses.skeleton import COCO

MIN_VISIBILITY = 0.3
"""A joint of the driving pose counts from this visibility on; below it the control video does not show it either."""

_TORSO = [COCO.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]


@dataclass(frozen=True)
class PoseScore:
    """Agreement of two sequences of poses; None where there is nothing to measure."""

    error_px: float | None
    pck: float | None
    torso_px: float | None


def compare(found: NDArray[np.floating], wanted: NDArray[np.floating], counts: NDArray[np.bool_]) -> PoseScore:
    """Score joints `found` (T, J, 2) against `wanted` (T, 17, 2) where `counts` (T, 17); NaN in `found` is a joint not found.

    `error_px` is the mean distance over the joints found. `pck` is the share of the joints that count lying within 0.2 of
    the torso (PCK of Yang and Ramanan 2013, with the torso from mid-shoulders to mid-hips of the wanted pose in that
    frame); a joint not found is a wrong one, so that missing people lower it.
    """
    if not counts.any():
        return PoseScore(None, None, None)
    distance = np.linalg.norm(found - wanted, axis=-1)  # (T, 17)
    torso = torso_size(wanted)  # (T,)
    near = distance <= 0.2 * torso[:, None]  # False for NaN
    measured = distance[counts & ~np.isnan(distance)]
    return PoseScore(
        error_px=float(measured.mean()) if len(measured) else None,
        pck=float(near[counts].mean()),
        torso_px=float(torso[counts.any(axis=1)].mean()),
    )


def visible_joints(driving: NDArray[np.floating]) -> NDArray[np.floating]:
    """Places (..., 17, 2) of the joints of driving poses (..., 17, 3); NaN where they do not count."""
    joints: NDArray[np.floating] = np.where(driving[..., 2:] >= MIN_VISIBILITY, driving[..., :2], np.nan)
    return joints


def torso_size(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Distance (T,) from mid-shoulders to mid-hips of joints (T, 17, 2), in their unit."""
    corners = joints[:, _TORSO]  # (T, 4, 2)
    size: NDArray[np.floating] = np.linalg.norm(corners[:, :2].mean(axis=1) - corners[:, 2:].mean(axis=1), axis=-1)
    return size


def read_landmarks(paths: Sequence[Path], clips: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The COCO-17 joints (T, 17, 3) x, y, visibility of those of `clips` that the landmark files hold, by clip; of a group, the
    first dancer's.

    Frames and joints that a file lacks are NaN with visibility 0.
    """
    return {clip: dancers[0] for clip, dancers in read_dancers(paths, clips).items()}


def read_dancers(paths: Sequence[Path], clips: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """As `read_landmarks`, of all P dancers of each clip (P, T, 17, 3)."""
    columns = ["clip", "dancer", "frame", "joint", "x", "y", "visibility"]
    tables = [pd.read_parquet(path, columns=columns, filters=[("clip", "in", list(clips))]) for path in paths] if clips else []
    return {str(clip): joint_array(rows, "visibility") for table in tables for clip, rows in table.groupby("clip", sort=True)}


def joint_array(rows: pd.DataFrame, visibility: str) -> NDArray[np.float32]:
    """Rows of dancer, frame, joint, x, y and visibility as (P, T, 17, 3); what is missing is NaN with visibility 0."""
    rows = rows[rows["joint"].isin(COCO)]
    people, frames = (int(rows["dancer"].max()), int(rows["frame"].max()) + 1) if len(rows) else (1, 0)
    joints = np.full((people, frames, len(COCO), 3), np.nan, np.float32)
    joints[..., 2] = 0
    index = rows["joint"].map(COCO.index).to_numpy(int)
    joints[rows["dancer"].to_numpy(int) - 1, rows["frame"].to_numpy(int), index] = rows[["x", "y", visibility]].to_numpy(
        np.float32
    )
    return joints
