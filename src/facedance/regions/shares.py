"""How much of each latent pixel belongs to each dancer, by the distance to their skeletons.

Where skeletons are near to each other, a pixel is shared by a softmax over the dancers of how much nearer each is; away from
all of them it belongs to nobody. What is shared changes without jumps as dancers move, also where they cross.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facedance.poses.skeleton import LIMBS, OPENPOSE

REACH = 0.4
"""Around the skeleton, as a share of the dancer's longest limb (about the torso): a head's height, which covers hair and clothes.

From there to twice as far, the dancer's part falls to nothing."""

_SOFT = 1.0  # latent pixels by which a skeleton must be nearer for a pixel to be shared 73 to 27
_USUAL = 90  # percentile over the frames: a limb that points at the camera is short, and one that is guessed may be long

_LIMBS = np.array([(OPENPOSE.index(a), OPENPOSE.index(b)) for a, b in LIMBS])
_ENDS = np.concatenate([_LIMBS, np.repeat(np.arange(len(OPENPOSE))[:, None], 2, axis=1)])  # joints are limbs of no length

Joints = NDArray[np.floating]
"""(P, T, 18, 2) OpenPose's joints of P dancers in T frames, in pixels, NaN where they are not seen."""


def reaches(joints: Joints) -> NDArray[np.floating]:
    """Distance (P,) in pixels up to which a place is wholly each dancer's; of the whole clip, so that it does not flicker."""
    lengths = np.linalg.norm(np.diff(joints[:, :, _LIMBS], axis=3)[..., 0, :], axis=-1)  # (P, T, limbs)
    longest = np.fmax.reduce(lengths, axis=-1)
    seen = [frames[~np.isnan(frames)] for frames in longest]
    return REACH * np.array([np.percentile(frames, _USUAL) if len(frames) else 0.0 for frames in seen])


def shares(joints: Joints, reach: NDArray[np.floating], size: tuple[int, int], shape: tuple[int, int, int]) -> Tensor:
    """How much of each latent pixel belongs to each dancer: (P, T', h, w) from 0 to 1, in sum at most 1.

    A dancer has no part of a frame in which they are not seen.

    Args:
        joints: of the frames of the latents.
        reach: (P,) as `reaches` gives it.
        size: width and height of the frames in pixels.
        shape: T', h, w of the latents. Latent frame 0 covers frame 0, each later one the next (T - 1) / (T' - 1) frames,
            whose mean it has.

    Raises:
        ValueError: the frames do not divide into the latent ones.
    """
    count, height, width = shape
    frames = joints.shape[1]
    stride = (frames - 1) // max(count - 1, 1)
    if frames != 1 + stride * (count - 1):
        raise ValueError(f"{frames} frames do not divide into {count} latent frames; allowed is one and a multiple of the rest")
    y, x = np.mgrid[:height, :width] + 0.5
    places = np.stack([x * size[0] / width, y * size[1] / height], -1).reshape(-1, 2)  # (h w, 2)
    soft = _SOFT * size[0] / width
    parts = np.stack([_shared(np.stack([_distances(j, places) for j in joints[:, t]]), reach, soft) for t in range(frames)], 1)
    groups = [parts[:, :1], *(parts[:, 1 + stride * i : 1 + stride * (i + 1)] for i in range(count - 1))]
    means = np.stack([group.mean(axis=1) for group in groups], axis=1)  # (P, T', h w)
    return torch.from_numpy(means.astype(np.float32)).unflatten(-1, (height, width))


def _distances(joints: NDArray[np.floating], places: NDArray[np.floating]) -> NDArray[np.floating]:
    """From places (N, 2) to the nearest limb of joints (18, 2): (N,), infinite where none is seen."""
    start, end = joints[_ENDS[:, 0]], joints[_ENDS[:, 1]]
    seen = np.isfinite(start).all(-1) & np.isfinite(end).all(-1)
    start, along = start[seen], (end - start)[seen]  # (S, 2)
    if not len(start):
        return np.full(len(places), np.inf)
    away = places[:, None] - start
    square = (along**2).sum(-1)
    # The nearest place on the limb: between 0, its start, and 1, its end.
    part = np.clip((away * along).sum(-1) / np.where(square > 0, square, 1), 0, 1)
    nearest: NDArray[np.floating] = np.sqrt(((away - part[..., None] * along) ** 2).sum(-1)).min(axis=-1)
    return nearest


def _shared(distances: NDArray[np.floating], reach: NDArray[np.floating], soft: float) -> NDArray[np.floating]:
    """Parts (P, N) for distances (P, N), of which all may be infinite."""
    closer = np.exp((np.minimum(distances.min(axis=0), 1e9) - distances) / soft)
    outside = np.clip(distances / np.maximum(reach, 1e-6)[:, None] - 1, 0, 1)
    own = 1 - outside**2 * (3 - 2 * outside)  # smoothstep
    return own * closer / np.maximum(closer.sum(axis=0), 1)  # the nearest adds 1, and where nobody is seen nobody does
