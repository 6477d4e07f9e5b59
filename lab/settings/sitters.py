"""Whether somebody can sit for the benchmark: how near the others are, and in how many frames dlib finds them as they are drawn.

usage: python -m lab.settings.sitters [--names "heldout 293" ...]     (after `snakemake models`)

Prints a line for each of the benchmark's people, or of those named: the distance to the nearest of the others, and the share of
20 frames of four dances, which are not the benchmark's, in which a face is found.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from facedance.config import params
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.sight import surest_face
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import distance
from facedance.sample.person import person
from facedance.sample.traits import traits_of
from facedance.video.frames import resized
from lab.identity.cast import NAMES, WORLD_SEED, folder_name
from lab.identity.clips import danced, driver_of
from lab.identity.sitters import photograph_sitter, read_sitter

FACES, SEEDS, SIDE, FRAMES, EVERY = Path("models/faces/dlib"), range(10, 14), 128, 17, 4


def main() -> None:
    """Print a line for each person."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=list(NAMES))
    given = parser.parse_args()
    backend, judge, faces = DlibBackend(FACES), LandmarkJudge(installed_predictor()), params.load(Path("params.yaml")).faces
    known = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys([*NAMES, *given.names]):
            photograph_sitter(Path(folder) / folder_name(name), backend, judge, faces)
            known[name] = read_sitter(Path(folder) / folder_name(name)).embedding
    for name in given.names:
        nearest = min((distance(known[name], known[other]), other) for other in NAMES if other != name)
        print(f"{name:14} nearest {nearest[0]:.3f} ({nearest[1]}), found in {found(name, backend):.2f}", flush=True)


def found(name: str, backend: DlibBackend) -> float:
    """Share of the frames with a face, drawn in the model's size and looked at in that of clips."""
    who, hits = person(traits_of(name, WORLD_SEED)), []
    for seed in SEEDS:
        place = f"clip {name}/{seed}/0"
        scene = danced(place, replace(driver_of(place), face=who), FRAMES, 2 * SIDE)
        frames = resized(scene.frames[::EVERY], (SIDE, SIDE))
        hits += [surest_face(frame, backend) is not None for frame in resized(frames, (2 * SIDE, 2 * SIDE))]
    return float(np.mean(hits))


if __name__ == "__main__":
    main()
