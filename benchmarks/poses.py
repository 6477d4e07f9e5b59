"""Frames a second of the pose stage against MediaPipe's bare landmarker, on the same clips with the same processes.

usage: python benchmarks/poses.py [--rounds 3] [--repeat 5] [--workers 2]      (after `snakemake --cores all clips`)

The bare landmarker decodes the frames and tracks them, and nothing else; the stage also fills gaps, draws, encodes the
control videos and writes the tables. Each clip is done `repeat` times under other names. The two take turns; each round
gives a ratio, and the median is quoted.
"""

import argparse
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from facedance import params
from facedance.files import write_json
from facedance.poses.extract import extract_shard
from facedance.poses.landmarker import open_landmarker
from facedance.video import read_frames

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "results" / "clips"
MODEL = ROOT / "models" / "pose" / "pose_landmarker_full.task"


def track(clip: Path) -> int:
    """Decode and track one clip with the bare landmarker; its number of frames."""
    frames = read_frames(clip)
    with open_landmarker(MODEL, "video") as landmarker:
        for i, frame in enumerate(frames):
            landmarker.detect(frame, round(i * 1000 / 16))
    return len(frames)


def bare(clips: list[Path], workers: int) -> None:
    """All clips through the bare landmarker."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        list(pool.map(track, clips))


def stage(manifest: Path, clips: Path, workers: int) -> None:
    """All clips through the stage, into an empty folder."""
    chosen = params.load(ROOT / "params.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(folder / "stamp.json", {"params": {}, "code": "", "items": []})
        extract_shard(
            clips_manifest=manifest, clips_folder=clips, keypoints_folder=None, model=MODEL, params=chosen.poses,
            wan=chosen.wan, folder=folder / "poses", landmarks=folder / "landmarks.parquet", manifest=folder / "poses.csv",
            stamp=folder / "stamp.json", workers=workers,
        )  # fmt: skip


def seconds(function, *arguments) -> float:
    """Wall seconds of a call in a process of its own: a process that has tracked must not fork workers that track."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    start = time.perf_counter()
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{function.__name__} failed")
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    table = pd.read_csv(CLIPS / "clips.csv", dtype=str, keep_default_na=False)
    table = table[table["status"] == "accepted"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = []
        for k in range(given.repeat):
            copy = table.assign(clip=[f"{clip}{k:03d}" for clip in table["clip"]])
            for old, new in zip(table["clip"], copy["clip"], strict=True):
                shutil.copy(CLIPS / f"{old}.mp4", folder / f"{new}.mp4")
            copies.append(copy)
        table = pd.concat(copies)
        table.to_csv(folder / "clips.csv", index=False)
        clips = [folder / f"{clip}.mp4" for clip in table["clip"]]
        frames = table["frames"].astype(int).sum()
        idle = seconds(bare, [], given.workers)  # starting Python and importing, which a clip does not pay
        rows = []
        for i in range(given.rounds):
            b = seconds(bare, clips, given.workers) - idle
            s = seconds(stage, folder / "clips.csv", folder, given.workers) - idle
            rows.append((frames / b, frames / s))
            print(f"round {i + 1}: frames/s bare {frames / b:.1f}, stage {frames / s:.1f}, ratio {b / s:.3f}", flush=True)
    bare_fps, stage_fps = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(s / b for b, s in rows)
    print(f"{len(clips)} clips, {frames} frames, {given.workers} processes")
    print(f"median: bare {bare_fps:.1f}, stage {stage_fps:.1f} frames/s, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
