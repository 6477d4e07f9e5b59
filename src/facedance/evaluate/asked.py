"""The skeletons that a render was asked to follow: the dancers', or with the proportions that its file of facts tells of."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.sidecar import read_sidecar
from facedance.poses.retarget import retargeted
from facedance.poses.skeleton import COCO
from facedance.poses.table import read_dancers


def asked_poses(
    sidecar: Path, clip: str, landmarks: Sequence[Path], driving: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """The poses (P, T, 17, 3) x, y, visibility of a render of a clip.

    Args:
        sidecar: the file beside the render.
        landmarks: parquet: where the dancers of the clips are.
        driving: the dancers' own poses (P, T, 17, 3), None where they are not known.
    """
    facts = read_sidecar(sidecar).get("proportions")
    if driving is None or facts is None:
        return driving
    return built_as(driving, {int(dancer): own for dancer, own in facts["factors"].items()}, clip, landmarks)


def built_as(
    driving: NDArray[np.float32], factors: Mapping[int, Mapping[str, float]], clip: str, landmarks: Sequence[Path]
) -> NDArray[np.float32]:
    """The poses (P, T, 17, 3) of the dancers of a clip, by number from 1, with their bones multiplied by factors."""
    asked = driving.copy()
    for path in landmarks:
        found = read_dancers(path, clip, driving.shape[1])
        for dancer, joints in found.joints.items():
            if dancer in factors:
                places = [found.names.index(name) for name in COCO]
                asked[dancer - 1, ..., :2] = retargeted(joints, found.names, factors[dancer])[:, places, :2]
    return asked


def how_built(sidecar: Path) -> str:
    """Whose proportions a render has, and what of them was taken from which photos; "" of one with the dancer's."""
    facts = read_sidecar(sidecar).get("proportions")
    return "" if facts is None else ". ".join(f"Proportions of {name}: {taken}" for name, taken in facts["taken"].items()) + "."
