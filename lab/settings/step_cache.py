"""What extrapolating steps saves and costs: one clip with the tiny model, every step computed and fewer.

usage: python -m lab.settings.step_cache [--steps 20] [--guidance 2] [--intervals 2 3 4]     (after `snakemake models`)

Prints, for each interval, seconds and the difference of the frames from those of interval 1.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from facedance.config import params
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.sample.traits import EILEEN
from lab.identity.clips import make_clip
from lab.identity.recipes import Recipe
from lab.identity.sitters import photograph_sitter, read_sitter
from lab.identity.studio import Studio

MODEL, FACES, POSE = Path("models/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")


def main() -> None:
    """Print a line for each interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--intervals", type=int, nargs="+", default=[2, 3, 4])
    given = parser.parse_args()
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    render = project.render
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photograph_sitter(folder / EILEEN, backend, LandmarkJudge(installed_predictor()), project.faces)
        who = read_sitter(folder / EILEEN)
        clip = make_clip(who.face, who.name, 0, project.wan, project.poses, POSE)
        print(f"{given.steps} steps, guidance {given.guidance:g}, {torch.get_num_threads()} threads")
        first = None
        for interval in (1, *given.intervals):
            asked = {"steps": given.steps, "guidance_scale": given.guidance, "cache_interval": interval}
            studio = Studio(
                MODEL, project.wan, render.settings.model_copy(update=asked), render.memory, render.speed, project.prompts,
                backend.dimension,
            )  # fmt: skip
            started = time.monotonic()
            ((_, frames),) = studio.render(clip, who, who, 0, [Recipe(face=0, reference="own")])
            seconds = time.monotonic() - started
            first = frames if first is None else first
            error = np.square(frames.astype(float) - first).mean()
            psnr = f"{10 * np.log10(255**2 / error):.1f} dB" if error else "the same"
            print(f"interval {interval}: {seconds:.1f} s, {psnr}", flush=True)


if __name__ == "__main__":
    main()
