"""2D keypoints of the sample in the format of AIST++'s annotations."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from facedance.config.sections import Sample
from facedance.files import atomic
from facedance.poses.skeleton import COCO
from facedance.sample.traits import generator

CAMERAS, WIDTH, HEIGHT, FPS = 9, 1920, 1080, 60
NOISE_PX = 2.0


def write_keypoints2d(ground_truth: Path, out: Path, sample: Sample) -> None:
    """Write the ground truth of one video as AIST++ writes its detections, with noise of `NOISE_PX` pixels.

    The file is a pickled dict, because that is the format: `keypoints2d` (9, N, 17, 3) with x, y in 1920x1080 pixels and
    confidence, `det_scores` (9, N), `timestamps` (N,) in microseconds; N frames at 60 fps. Only the camera that the video
    is named after has seen anything; for the others x and y are NaN and scores 0.
    """
    table = pd.read_parquet(ground_truth)
    name = str(table["video"].iloc[0])
    camera = int(name.split("_")[2][1:]) - 1
    joints = table[["x", "y"]].to_numpy().reshape(-1, len(COCO) * 2)  # (T, 34)
    visible = table["visible"].to_numpy().reshape(-1, len(COCO))  # (T, 17)
    frames = round(len(joints) * FPS / sample.fps)
    at = (np.arange(frames) * sample.fps / FPS).clip(0, len(joints) - 1)  # in frames of the video
    before, after, share = np.floor(at).astype(int), np.ceil(at).astype(int), (at % 1)[:, None]
    points = (joints[before] * (1 - share) + joints[after] * share).reshape(frames, len(COCO), 2)
    points = points * [WIDTH / sample.width, HEIGHT / sample.height]

    rng = generator(f"keypoints2d {name}", sample.seed)
    keypoints = np.full((CAMERAS, frames, len(COCO), 3), np.nan)
    keypoints[..., 2] = 0
    keypoints[camera, :, :, :2] = points + rng.normal(0, NOISE_PX, points.shape)
    keypoints[camera, :, :, 2] = np.where(visible[before], rng.uniform(0.75, 1.0, (frames, len(COCO))), 0.2)
    scores = np.zeros((CAMERAS, frames))
    scores[camera] = rng.uniform(0.95, 1.0, frames)
    timestamps = np.round(np.arange(frames) * 1e6 / FPS).astype(np.int64)
    with atomic(out) as temporary, open(temporary, "wb") as file:
        pickle.dump({"keypoints2d": keypoints, "det_scores": scores, "timestamps": timestamps}, file, protocol=4)
