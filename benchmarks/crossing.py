"""What does a crop that follows gain? Drawn dancers who cross a wide picture, with known joints, through clips and poses.

usage: python -m benchmarks.crossing [--first 0] [--clips 6] [--models tiny wan2.1-vace-1.3b] [--workers 2]
       (needs models/pose, which `snakemake --cores all models/pose/pose_landmarker_full.task` makes, and no other weights)

Prints for each model and crop the means: the dancer's height in pixels of the render and as a share of the frame's, how many
clips are accepted, PCK within 0.2 torso, and how fast the window moves at most, in its heights a second.
"""

import argparse
import functools
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.crowds import POSE_MODEL, ROOT, measure
from facedance.config import params
from facedance.poses.skeleton import COCO
from facedance.sample.dancer import Camera, dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import ARM_WAVE, VOCABULARY, arrange, perform
from facedance.sample.traits import generator
from facedance.video.pictures import Frame
from facedance.video.window_path import windows_of
from facedance.video.writing import write_video

WIDTH, HEIGHT, FPS = 960, 540, 16
DANCERS = ("d02", "d04", "d11", "d17", "d20", "d29")
FARTHEST = 0.34  # in widths from the middle


def cross(seed: int, folder: Path, frames: int) -> None:
    """A video of a dancer who crosses the picture once or twice in so many frames, with pauses, and its ground truth."""
    name, rng = f"crossing{seed}", generator("crossing", seed)
    who, camera = dancer(DANCERS[seed % len(DANCERS)], seed), Camera(WIDTH, HEIGHT, rng.uniform(0.7, 0.9))
    beats = np.arange(frames) / FPS * rng.uniform(90, 130) / 60
    skeleton = perform(arrange((ARM_WAVE, *VOCABULARY["gBR"][:3]), int(beats[-1]) // 4 + 2, rng), beats, who.body)
    head, room = Head(who.face, who.body.head * camera.scale), empty_room(who, camera)
    turns = rng.integers(1, 3)
    places = FARTHEST * rng.choice([-1, 1]) * np.array([(-1) ** i for i in range(turns + 1) for _ in range(2)])
    aside = np.interp(np.arange(frames) / (frames - 1), np.linspace(0, 1, len(places)), places)
    tracks = []

    def pictures() -> Iterator[Frame]:
        for frame in range(frames):
            picture, joints = draw(who, head, skeleton, frame, replace(camera, aside=float(aside[frame])), room)
            tracks.append(joints)
            yield picture

    write_video(folder / f"{name}.mp4", pictures(), FPS, preset="veryfast")
    x, y = np.stack(tracks).reshape(-1, 2).T
    rows = {"frame": np.repeat(np.arange(frames), len(COCO)), "joint": COCO * frames, "x": x, "y": y}
    pd.DataFrame({"video": name, "dancer": 1, **rows, "visible": True}).to_parquet(folder / f"{name}.parquet")


def figures(chosen: params.Params, sources: Path, folder: Path, workers: int) -> dict[str, float]:
    """The means over all clips."""
    folder.mkdir(parents=True)
    rows = measure(chosen, sources, folder, workers)
    clips = pd.read_csv(folder / "clips" / "clips.csv", dtype={"clip": str}).query("status == 'accepted'")
    heights, shares, speeds = [], [], []
    for row in clips.to_dict("records"):
        truth = pd.read_parquet(sources / f"{Path(row['source']).stem}.parquet")
        tall = truth.groupby("frame")["y"].agg(np.ptp).mean() / row["crop_h"]
        window = tuple(int(row[f"crop_{name}"]) for name in "xywh")
        windows = np.array(windows_of(folder / "clips" / f"{row['clip']}.mp4", window, int(row["frames"])))
        heights.append(tall * row["height"] / chosen.wan.clip_scale)
        shares.append(tall)
        speeds.append(np.abs(np.diff(windows[:, 0])).max() * chosen.wan.fps / row["crop_h"])
    return {
        "height_px": np.mean(heights), "height_share": np.mean(shares), "accepted": (rows["status"] == "accepted").sum(),
        "pck": rows["pck"].mean(), "lowest_pck": rows["pck"].min(), "speed": np.max(speeds),
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--models", nargs="+", default=["tiny", "wan2.1-vace-1.3b"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    rows = []
    for model in given.models:
        project = params.load(ROOT / "params.yaml").model_copy(update={"model": model})
        with tempfile.TemporaryDirectory() as name:
            sources = Path(name) / "videos"
            sources.mkdir()
            draw_all = functools.partial(cross, folder=sources, frames=max(project.wan.frames, 49))
            with ProcessPoolExecutor(given.workers) as pool:
                list(pool.map(draw_all, range(given.first, given.first + given.clips)))
            for crop in ("dancer", "follow"):
                clips = project.clips.model_copy(update={"crop": crop})
                chosen = project.model_copy(update={"clips": clips})
                rows.append({"model": model, "crop": crop, **figures(chosen, sources, Path(name) / crop, given.workers)})
                print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format), flush=True)


if __name__ == "__main__":
    if not POSE_MODEL.is_file():
        raise SystemExit(f"{POSE_MODEL} is not there: `snakemake --cores all models/pose/pose_landmarker_full.task` makes it")
    main()
