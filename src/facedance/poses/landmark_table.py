"""The joints of all dancers of a clip, as the table of landmarks has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_VALUES = ["x", "y", "z", "visibility"]


@dataclass(frozen=True)
class Dancers:
    """Where the dancers of a clip are."""

    names: tuple[str, ...]  # of the joints
    joints: Mapping[
        int, NDArray[np.float32]
    ]  # by number: (T, J, 4) x, y, z in pixels of the clip and visibility; NaN where unseen


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
