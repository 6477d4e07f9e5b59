"""Does a render have the face of the photos? People, dances and photos that the model was not trained on, and two judges.

usage: python benchmarks/identity.py [--people N] [--seeds N] [--lora-steps N] [--only ROW ...] [--small] --out DIR
       (after `snakemake --cores all models`)

The figures are written to DIR: identity.csv, identity.md, grid.png, and clips.csv with a row for every clip; beside them lie the
renders. What is not given is in the section `benchmark` of params.yaml. --only is for some rows of the table, by their names, and
without any for the ceilings alone; --small is 3 people with one seed, face on and face off.
`snakemake benchmark_identity` makes the whole table as well, with a job for each clip, and goes on where it was stopped.
"""

import argparse
from pathlib import Path

from facedance import params
from facedance.benchmark.recipes import FEW, VARIANTS
from facedance.benchmark.run import SMALL, Weights, benchmark
from facedance.job import job

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--lora-steps", type=int)
    parser.add_argument("--only", nargs="*", choices=[variant.name for variant in VARIANTS], metavar="ROW")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    chosen = params.load(ROOT / "params.yaml")
    sizes = {name: getattr(given, name) for name in ("people", "seeds", "lora_steps")}
    extent = (SMALL if given.small else chosen.benchmark).model_copy(update={k: v for k, v in sizes.items() if v is not None})
    rows = [v for v in VARIANTS if v.name in given.only] if given.only is not None else FEW if given.small else VARIANTS
    weights = Weights(
        model=ROOT / "models" / chosen.model,
        faces=ROOT / "models" / "faces" / "dlib",
        pose=ROOT / "models" / "pose" / "pose_landmarker_full.task",
    )
    with job(given.out / "identity.log", "identity"):
        benchmark(chosen, weights, extent, rows, given.out)
    print((given.out / "identity.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
