"""Whose skeleton is found behind an audience? Drawn dancers with known joints through the clips and poses stages.

usage: python -m benchmarks.crowds [--first 0] [--clips 30] [--models tiny wan2.1-vace-1.3b] [--workers 2]
       (needs models/pose, which `snakemake --cores all models/pose/pose_landmarker_full.task` makes, and no other weights)

Prints a line for each clip, whether it is accepted, PCK within 0.2 torso over all joints, hidden ones too, and why not; then
for each model how many are accepted and how many of those are wrong (PCK below 0.95).
"""

import argparse
import functools
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from facedance.clips.cut import CutFiles, cut_shard
from facedance.config import params
from facedance.evaluate.accuracy import pose_accuracy
from facedance.files import write_json
from facedance.poses.extract import PoseFiles, extract_shard
from facedance.poses.skeleton import COCO
from facedance.video.pictures import Frame
from facedance.video.writing import write_video
from tests.poses.drawn_crowd import Crowd, crowd

ROOT = Path(__file__).parents[1]
POSE_MODEL = ROOT / "models" / "pose" / "pose_landmarker_full.task"
BAR = 0.95


def draw(seed: int, folder: Path, size: Crowd) -> None:
    """A video of a crowd and its ground truth."""
    name, tracks = f"crowd{seed}", []

    def pictures() -> Iterator[Frame]:
        for picture, joints in crowd(seed, size):
            tracks.append(joints)
            yield picture

    write_video(folder / f"{name}.mp4", pictures(), size.fps, preset="veryfast")
    x, y = np.stack(tracks).reshape(-1, 2).T
    rows = {"frame": np.repeat(np.arange(size.frames), len(COCO)), "joint": COCO * size.frames, "x": x, "y": y}
    pd.DataFrame({"video": name, "dancer": 1, **rows, "visible": True}).to_parquet(folder / f"{name}.parquet")


def measure(chosen: params.Params, sources: Path, folder: Path, workers: int) -> pd.DataFrame:
    """A row for each clip: clip, status, reason, pck."""
    wan = chosen.wan
    write_json(folder / "stamp.json", {"params": {}, "code": "", "items": []})
    cut = CutFiles(
        {path.stem: path for path in sources.glob("*.mp4")}, POSE_MODEL, folder / "clips", folder / "clips" / "clips.csv"
    )
    cut_shard(cut, chosen.clips, wan, folder / "stamp.json", workers)
    files = PoseFiles(
        clips=cut.manifest, clips_folder=cut.folder, keypoints={}, model=POSE_MODEL,
        landmarks=folder / "landmarks.parquet", manifest=folder / "poses.csv", folder=folder / "poses",
    )  # fmt: skip
    extract_shard(files, chosen.poses, wan, folder / "stamp.json", workers)
    truth = sorted(sources.glob("*.parquet"))
    pose_accuracy(truth, cut.manifest, [files.landmarks], [files.manifest], folder / "accuracy.csv")
    clips, poses, accuracy = (
        pd.read_csv(path, keep_default_na=False).set_index("clip")
        for path in (cut.manifest, files.manifest, folder / "accuracy.csv")
    )
    rows = pd.concat([clips.loc[clips["status"] == "rejected", ["status", "reason"]], poses[["status", "reason"]]])
    return rows.join(accuracy["pck"]).sort_index(key=lambda names: names.str.extract(r"(\d+)", expand=False).astype(int))


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--models", nargs="+", default=["tiny", "wan2.1-vace-1.3b"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sources = Path(name) / "videos"
        sources.mkdir()
        seeds = range(given.first, given.first + given.clips)
        chosen = {model: params.load(ROOT / "params.yaml").model_copy(update={"model": model}) for model in given.models}
        size = Crowd(frames=max(choice.wan.frames for choice in chosen.values()))
        with ProcessPoolExecutor(given.workers) as pool:
            list(pool.map(functools.partial(draw, folder=sources, size=size), seeds))
        for model, choice in chosen.items():
            folder = Path(name) / model
            folder.mkdir()
            rows = measure(choice, sources, folder, given.workers)
            for row in rows.itertuples():
                print(f"{model} {row.Index}: {row.status}", row.reason or f"PCK {row.pck:.3f}", flush=True)
            pck = rows["pck"].dropna()
            print(f"{model}: {len(pck)} of {len(rows)} accepted, {(pck < BAR).sum()} of them with PCK below {BAR}", flush=True)


if __name__ == "__main__":
    main()
