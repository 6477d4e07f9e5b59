"""Frames a second of the pose stage, against the same work in a plain loop and against MediaPipe's bare landmarker.

usage: python benchmarks/poses.py [--rounds 3] [--repeat 5] [--workers 2]      (after `snakemake --cores all clips`)

The bare landmarker decodes the frames and tracks them once, and nothing else; the plain loop also finds whom to follow, looks
twice, fills gaps, draws and encodes the control videos; the stage also looks for what has been done before, and writes tables
and records. All have the same clips and as many processes. Each clip is done `repeat` times under other names. They take turns;
each round gives two ratios, and their medians are quoted.
"""

import argparse
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import pandas as pd

from facedance.config import params
from facedance.files import write_json
from facedance.poses.draw import control_frames
from facedance.poses.extract import CRF, PRESET, PoseFiles, extract_shard
from facedance.poses.find import PEOPLE, find_pose
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.video.frames import Footage, read_frames
from facedance.video.writing import write_video

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "results" / "clips"
MODEL = ROOT / "models" / "pose" / "pose_landmarker_full.task"


def track(clips: list[Path]) -> None:
    """Decode and track clips with the bare landmarker."""
    for clip in clips:
        with open_landmarker(MODEL, "video") as landmarker:
            for i, frame in enumerate(read_frames(clip)):
                landmarker.detect(frame, round(i * 1000 / 16))


def work(clips: list[Path]) -> None:
    """Follow the dancer, draw and write the control video, clip by clip."""
    chosen = params.load(ROOT / "params.yaml")
    with open_landmarker(MODEL, "image", people=PEOPLE) as finder:
        for clip in clips:
            frames = Footage(clip)
            people, _ = find_pose(frames, 16, finder, MODEL, chosen.poses)
            joints, _ = fill_gaps(people, chosen.poses.max_gap_frames)
            drawn = control_frames(joints[None], MEDIAPIPE, chosen.poses, frames[0].shape[1::-1], chosen.wan.drawing_side)
            write_video(clip.with_name(f"{clip.stem}.control.mp4"), drawn, chosen.wan.fps, crf=CRF, preset=PRESET)


def loop(function: Callable[[list[Path]], None], clips: list[Path], workers: int) -> None:
    """All clips, one after the other in each process."""
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        list(pool.map(function, [clips[i::workers] for i in range(workers)]))


def stage(manifest: Path, clips: Path, workers: int) -> None:
    """All clips through the stage, into an empty folder."""
    chosen = params.load(ROOT / "params.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(folder / "stamp.json", {"params": {}, "code": "", "items": []})
        files = PoseFiles(
            clips=manifest, clips_folder=clips, keypoints={}, model=MODEL, landmarks=folder / "landmarks.parquet",
            manifest=folder / "poses.csv", folder=folder / "poses",
        )  # fmt: skip
        extract_shard(files, chosen.poses, chosen.wan, folder / "stamp.json", workers)


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
        idle = seconds(loop, track, [], given.workers)  # starting Python and importing, which a clip does not pay
        rows = []
        for i in range(given.rounds):
            bare = seconds(loop, track, clips, given.workers) - idle
            plain = seconds(loop, work, clips, given.workers) - idle
            whole = seconds(stage, folder / "clips.csv", folder, given.workers) - idle
            rows.append((bare / whole, plain / whole))
            speeds = ", ".join(f"{name} {frames / s:.1f}" for name, s in {"bare": bare, "plain": plain, "stage": whole}.items())
            print(f"round {i + 1}: frames/s {speeds}", flush=True)
    of_bare, of_plain = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{len(clips)} clips, {frames} frames, {given.workers} processes")
    print(f"the stage has {of_plain:.3f} of the plain loop's speed and {of_bare:.3f} of the bare landmarker's (medians)")


if __name__ == "__main__":
    main()
