"""Landmarks as a table: a row for each dancer, frame and joint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_VALUES = ["x", "y", "z", "visibility"]


def landmark_table(
    clip: str, names: tuple[str, ...], joints: NDArray[np.float32], interpolated: NDArray[np.bool_]
) -> pd.DataFrame:
    """Joints (P, T, J, 4) as rows, dancer by dancer and frame by frame, and which of them are interpolated (P, T, J)."""
    people, frames = joints.shape[:2]
    columns: dict[str, Any] = {
        "clip": pd.array([clip] * (people * frames * len(names)), dtype="str"),
        "dancer": np.repeat(np.arange(1, people + 1, dtype=np.int32), frames * len(names)),
        "frame": np.tile(np.repeat(np.arange(frames, dtype=np.int32), len(names)), people),
        "joint": pd.array(list(names) * (people * frames), dtype="str"),
    }
    columns |= {name: joints[..., i].ravel() for i, name in enumerate(_VALUES)}
    return pd.DataFrame(columns | {"interpolated": interpolated.ravel()})


@dataclass(frozen=True)
class Dancers:
    """Where the dancers of a clip are."""

    names: tuple[str, ...]  # of the joints
    joints: Mapping[int, NDArray[np.float32]]
    """By number: (T, J, 4) x, y, z in pixels of the clip and visibility; NaN where unseen."""


def read_dancers(table: Path, clip: str, frames: int) -> Dancers:
    """The dancers of a clip with so many frames, from the landmarks of its shard; a table without numbers is of one each."""
    rows = pd.read_parquet(table, filters=[("clip", "==", clip)])
    names = tuple(dict.fromkeys(rows["joint"]))
    numbers = rows["dancer"] if "dancer" in rows else pd.Series(1, rows.index)
    joints = {int(number): _joints(own, names, frames) for number, own in rows.groupby(numbers, sort=True)}
    return Dancers(names, joints)


def _joints(rows: pd.DataFrame, names: tuple[str, ...], frames: int) -> NDArray[np.float32]:
    joints = np.full((frames, len(names), len(_VALUES)), np.nan, np.float32)
    places = rows["joint"].map({name: place for place, name in enumerate(names)}).to_numpy(int)
    joints[rows["frame"].to_numpy(int), places] = rows[_VALUES].to_numpy(np.float32)
    return joints
