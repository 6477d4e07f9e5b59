"""Landmarks as a table: a row for each dancer, frame and joint."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


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
    columns |= {name: joints[..., i].ravel() for i, name in enumerate(("x", "y", "z", "visibility"))}
    return pd.DataFrame(columns | {"interpolated": interpolated.ravel()})
