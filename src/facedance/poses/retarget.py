"""A dancer's skeleton with the proportions of somebody else.

Each bone keeps its direction and its foreshortening, and is multiplied by a factor that is the same in all frames. Whatever of
the body is lowest stays where it was, mostly the standing foot, so that nobody floats or sinks, and jumps are as high.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facedance.poses.proportions import BONES, bones
from facedance.poses.skeleton import FACE
from facedance.poses.smooth import gone_on

_MIDDLES = {name: (f"left_{name}", f"right_{name}") for name in ("hip", "shoulder", "ear")}
_SIDES = ("left", "right")
_HAND, _FOOT = ("wrist", "pinky", "index", "thumb"), ("ankle", "heel", "foot_index")

_TREE: dict[str, tuple[str, str]] = {
    "shoulder": ("hip", "torso"),
    "ear": ("shoulder", "neck"),
    **{f"{side}_{name}": (name, bone) for side in _SIDES for name, bone in (("hip", "hips"), ("shoulder", "shoulders"))},
    **{f"{side}_elbow": (f"{side}_shoulder", "upper_arm") for side in _SIDES},
    **{f"{side}_wrist": (f"{side}_elbow", "forearm") for side in _SIDES},
    **{f"{side}_{name}": (f"{side}_wrist", "forearm") for side in _SIDES for name in _HAND[1:]},
    **{f"{side}_knee": (f"{side}_hip", "thigh") for side in _SIDES},
    **{f"{side}_ankle": (f"{side}_knee", "shin") for side in _SIDES},
    **{f"{side}_{name}": (f"{side}_ankle", "shin") for side in _SIDES for name in _FOOT[1:]},
    **dict.fromkeys(sorted(FACE), ("ear", "head")),
}
"""From the middle of the hips outwards: what each joint, or middle of two, hangs on, and the bone whose factor the way has."""

_LOWEST = 0.04  # of the height: so much higher, a joint carries 1/e of the weight
_STEADY = 2.0  # frames: deviation of the weights by which the way of the body is averaged
_SMALLER = tuple(1 - 0.025 * step for step in range(13))  # sizes that are tried where a skeleton would leave the picture


def retargeted(joints: NDArray[np.float32], names: tuple[str, ...], factors: Mapping[str, float]) -> NDArray[np.float32]:
    """Joints (T, J, 2 or more) of a dancer with each bone multiplied by its factor.

    Only x and y are moved. A joint that is not known in a frame, NaN, stays unknown, and what hangs on it goes by where it was
    before and will be after.
    """
    at = _places(joints[..., :2].astype(np.float64), names)
    if at is None:
        return joints
    new = {"hip": at["hip"]}
    for name, (parent, bone) in _TREE.items():
        if name in at:
            new[name] = new[parent] + factors[bone] * (at[name] - at[parent])
    moved, before = (np.stack([places[name] for name in names], axis=1) for places in (new, at))  # (T, J, 2)
    result = joints.copy()
    result[..., :2] = moved + _carried(before, moved)[:, None]
    result[~np.isfinite(joints[..., :2]).all(axis=-1), :2] = np.nan
    return result


def in_view(
    joints: NDArray[np.float32], names: tuple[str, ...], factors: Mapping[str, float], size: tuple[int, int]
) -> dict[str, float]:
    """The factors made smaller together, so that what was in the picture of this width and height stays in it, if they can be.

    The top of the head counts too. Where a skeleton of 0.7 times the size would still leave the picture, as of somebody who
    lies at its edge, the size stays, and what is outside is cut off.
    """
    inside = _inside(joints, names, size)
    for smaller in _SMALLER:
        tried = {name: smaller * factors[name] for name in BONES}
        if _inside(retargeted(joints, names, tried), names, size)[inside].all():
            return tried
    return dict(factors)


def _places(joints: NDArray[np.float64], names: tuple[str, ...]) -> dict[str, NDArray[np.float64]] | None:
    """Where each joint, and the middle of two, is in each frame (T, 2), guessed where it is not seen; None of nobody."""
    seen = {name: joints[:, names.index(name)] for name in names}
    seen |= {name: (seen[left] + seen[right]) / 2 for name, (left, right) in _MIDDLES.items()}
    there = {name: np.asarray(np.isfinite(places).all(axis=-1)) for name, places in seen.items()}
    known = {name: gone_on(places, there[name]) for name, places in seen.items() if there[name].any()}
    if not {"hip", "shoulder"} <= known.keys():
        return None
    places = {"hip": known["hip"]}
    for name, (parent, _) in _TREE.items():
        if name in seen:  # who is never seen is where the joint is that they hang on
            places[name] = known[name] if name in known else places[parent]
    return places


def _carried(before: NDArray[np.float64], moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """By what all joints (T, J, 2) are moved (T, 2), so that the lowest ones are where they were before."""
    low = before[..., 1]  # y points down
    height = max(float(np.median(np.ptp(low, axis=1))), 1e-6)
    weights = np.exp((low - low.max(axis=1, keepdims=True)) / (_LOWEST * height))
    weights /= weights.sum(axis=1, keepdims=True)
    way = (weights[..., None] * (before - moved)).sum(axis=1)
    smooth: NDArray[np.float64] = gaussian_filter1d(way, _STEADY, axis=0, mode="nearest")
    return smooth


def _inside(joints: NDArray[np.float32], names: tuple[str, ...], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the joints (T, J) and, as the last one, the top of the head are in the picture (T, J + 1)."""
    ears, shoulders = (joints[:, [names.index(name) for name in _MIDDLES[part]], :2].mean(axis=1) for part in ("ear", "shoulder"))
    up = ears - shoulders
    up /= np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-6)
    top = ears + bones(joints, names)["head"] * up
    points = np.concatenate([joints[..., :2], top[:, None]], axis=1)
    return np.asarray(((points >= 0) & (points < size)).all(axis=-1))
