"""Whether somebody can sit for the benchmark: how near the others are, and in how many frames dlib finds them as they are drawn.

usage: python benchmarks/sitters.py [--names "heldout 293" ...]     (after `snakemake models`)

Prints a line for each of the benchmark's people, or of those named: the distance to the nearest of the others, and the share of
20 frames of four dances, which are not the benchmark's, in which a face is found.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.benchmark.cast import NAMES, WORLD_SEED
from facedance.benchmark.clips import resized
from facedance.benchmark.people import SHOTS
from facedance.evaluate.observe import surest_face
from facedance.faces.dlib_backend import DlibBackend
from facedance.sample.dancer import dressed
from facedance.sample.identity import person
from facedance.sample.photos import photograph
from facedance.sample.traits import generator, traits_of
from facedance.world.scene import dance
from facedance.world.split import HELDOUT_MOVES, training_identity

FACES, SEEDS, SIDE, FRAMES, EVERY = Path("models/faces/dlib"), range(10, 14), 128, 17, 4


def main() -> None:
    """Print a line for each person."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=list(NAMES))
    given = parser.parse_args()
    backend = DlibBackend(FACES)
    known = {name: embedding(name, backend) for name in dict.fromkeys([*NAMES, *given.names])}
    for name in given.names:
        nearest = min((float(np.linalg.norm(known[name] - known[other])), other) for other in NAMES if other != name)
        print(f"{name:14} nearest {nearest[0]:.3f} ({nearest[1]}), found in {found(name, backend):.2f}", flush=True)


def embedding(name: str, backend: DlibBackend) -> NDArray[np.float32]:
    """Mean (D,) over the photos."""
    face, seen = person(traits_of(name, WORLD_SEED)), []
    for number, shot in enumerate(SHOTS):
        photo = photograph(face, shot, generator(f"{name}/{number}", WORLD_SEED))
        if (largest := surest_face(photo, backend)) is not None:
            seen.append(backend.embed(photo, largest).raw)
    mean: NDArray[np.float32] = np.mean(seen, axis=0)
    return mean


def found(name: str, backend: DlibBackend) -> float:
    """Share of the frames with a face, drawn in the model's size and looked at in that of clips."""
    who, hits = person(traits_of(name, WORLD_SEED)), []
    for seed in SEEDS:
        place = f"clip {name}/{seed}/0"
        rng = generator(place, WORLD_SEED)
        _, traits = training_identity(int(rng.integers(1000)), WORLD_SEED)
        dancer = replace(dressed(person(traits), rng), face=who)
        scene = dance(dancer, HELDOUT_MOVES, FRAMES, 2 * SIDE, generator(f"{place} dance", WORLD_SEED))
        frames = resized(scene.frames[::EVERY], (SIDE, SIDE))
        hits += [surest_face(frame, backend) is not None for frame in resized(frames, (2 * SIDE, 2 * SIDE))]
    return float(np.mean(hits))


if __name__ == "__main__":
    main()
