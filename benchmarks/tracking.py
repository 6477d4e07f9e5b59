"""Who is who where dancers cross? Drawn duets and trios with known joints, as the poses stage follows them.

usage: python -m benchmarks.tracking [--seeds 0 1 2] [--clips 20] [--dancers 2 3] [--frames 49] [--workers 2]
       (needs models/pose, which `snakemake --cores all models/pose/pose_landmarker_full.task` makes, and no other weights)

Prints a line for each clip: how many dancers are found, the share of the frames in which each number is its dancer, PCK within
0.2 torso over all joints, hidden ones too, how sure it is, and why the clip would be refused; then the means of each seed.
"""

import argparse
import functools
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.crowds import POSE_MODEL
from facedance.config.sections import Poses
from facedance.evaluate.pose import compare
from facedance.poses.crowd import MOST
from facedance.poses.group import find_group
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.sample.group import Stage
from tests.poses.drawn_group import group, ids_kept

WIDTH, HEIGHT, FPS = 854, 480, 16


@dataclass(frozen=True)
class Row:
    """What became of a clip."""

    dancers: int
    kept: float
    pck: float
    surety: float
    doubt: str


def follow(name: str, count: int, frames: int) -> Row:
    """Draw a clip and follow everybody in it."""
    cv2.setNumThreads(1)
    pictures, truth = zip(*group(name, count, Stage(WIDTH, HEIGHT, frames, FPS)), strict=True)
    wanted = np.stack(truth, axis=1)  # (P, T, 17, 2)
    poses = Poses()
    with open_landmarker(POSE_MODEL, "image", people=MOST) as finder:
        found = find_group(pictures, (WIDTH, HEIGHT), finder, poses)
    joints = np.full((max(count, len(found.joints)), frames, 17, 2), np.nan)
    for i, one in enumerate(found.joints):
        joints[i] = fill_gaps(one, poses.max_gap_frames)[0][:, COCO_IN_MEDIAPIPE, :2]
    score = compare(joints[:count].reshape(-1, 17, 2), wanted.reshape(-1, 17, 2), np.ones((count * frames, 17), bool))
    assert score.pck is not None
    return Row(len(found.joints), ids_kept(joints, wanted, (WIDTH, HEIGHT)), score.pck, found.surety, found.doubt)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--dancers", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as pool:
        for count in given.dancers:
            for seed in given.seeds:
                names = [f"{seed}.{clip}" for clip in range(given.clips)]
                rows = []
                work = functools.partial(follow, count=count, frames=given.frames)
                for name, row in zip(names, pool.map(work, names), strict=True):
                    said = f"kept {row.kept:.3f}, PCK {row.pck:.3f}, sure {row.surety:.2f}"
                    print(f"{count} dancers, {name}: {row.dancers} found, {said}  {row.doubt}", flush=True)
                    rows.append(row)
                kept, pck = (np.mean([getattr(row, field) for row in rows]) for field in ("kept", "pck"))
                right, accepted = sum(row.dancers == count for row in rows), sum(not row.doubt for row in rows)
                print(f"{count} dancers, seed {seed}: ids kept in {kept:.3f} of the frames, PCK {pck:.3f}", flush=True)
                print(f"  of {len(rows)} clips {right} have as many dancers as there are, {accepted} are accepted", flush=True)


if __name__ == "__main__":
    if not POSE_MODEL.is_file():
        raise SystemExit(f"{POSE_MODEL} is not there: `snakemake --cores all models/pose/pose_landmarker_full.task` makes it")
    main()
