"""Does a render have the face of the photos? People, dances and photos that the model was not trained on, and two judges.

usage: python benchmarks/identity.py [--people 16] [--seeds 3] [--lora-minutes 3] [--only ROW ...] [--small] --out DIR
       (after `snakemake --cores all models`)

The figures are written to DIR: identity.csv, identity.md, grid.png, and clips.csv with a row for every clip. The number of
LoRA steps depends on the speed of the machine; everything else on the seeds alone. --only is for some rows of the table, by
their names; --small is 3 people with one seed, face on and face off.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from facedance import params
from facedance.benchmark.recipes import VARIANTS
from facedance.benchmark.run import SMALL, Extent, Weights, benchmark
from facedance.job import job

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--lora-minutes", type=float)
    parser.add_argument("--only", nargs="+", choices=[variant.name for variant in VARIANTS], metavar="ROW")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    sizes = {name: getattr(given, name) for name in ("people", "seeds", "lora_minutes")}
    extent = replace(SMALL if given.small else Extent(), **{name: value for name, value in sizes.items() if value is not None})
    if given.only:
        extent = replace(extent, variants=tuple(variant for variant in VARIANTS if variant.name in given.only))
    chosen = params.load(ROOT / "params.yaml")
    weights = Weights(
        model=ROOT / "models" / chosen.model,
        faces=ROOT / "models" / "faces" / "dlib",
        pose=ROOT / "models" / "pose" / "pose_landmarker_full.task",
    )
    with job(given.out / "identity.log", "identity"):
        benchmark(chosen, weights, extent, given.out)
    print((given.out / "identity.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
