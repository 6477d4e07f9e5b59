"""Train a face branch for the tiny model without its own, on drawn people, by the product's stage, and say what came of it.

usage: python -m lab.face_branch.show [--people 540] [--steps 4500] [--cores 2] [--folder lab/results/face_branch]

The folder becomes a project of its own: portraits in data/people, 3 % of the files damaged or without a face, and the tiny
model as one without a face branch. Killed and started again, it goes on. Prints what was left out, the card's scores, and the
time of each job; ends with 1 when the face does not come from the embedding (LEAST).
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from facedance.config.reading import read_yaml
from facedance.files import read_json
from lab.face_branch.people import draw_people

ROOT = Path(__file__).parents[2]
MODEL = "bare"
PHOTOS = 2  # of each person
HELDOUT = 16
LEAST = 0.85
RECIPE = {"learning_rate": 0.002, "batch_size": 16, "identity_weight": 4.0, "dropout": 0.1}
LICENCE = "drawn from NASA's public-domain portrait of Eileen Collins"


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=540)
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("lab/results/face_branch"))
    given = parser.parse_args()
    draw_people(given.folder / "data/people", given.people, PHOTOS)
    train(given.folder, given.people, given.steps, given.cores)
    sys.exit(0 if tell(given.folder, given.people) else 1)


def train(folder: Path, people: int, steps: int, cores: int) -> None:
    """Run the stage in the folder.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    tiny = read_yaml(ROOT / "models.yaml")["models"]["tiny"]
    changes: dict[str, Any] = {
        "model": MODEL,
        "models": {MODEL: {**tiny, "folder": str(ROOT / "assets/tiny")}},
        "face_branch": {**RECIPE, "licence": LICENCE, "heldout": HELDOUT / people, "steps": steps},
    }
    command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", str(cores)]
    config = [f"{key}={json.dumps(value)}" for key, value in changes.items()]
    # A model in a folder counts as a published one, which is refused on a CPU.
    subprocess.run([*command, "face_branch", "--config", *config], env={**os.environ, "FACEDANCE_ALLOW_CPU": "1"}, check=True)


def tell(folder: Path, people: int) -> bool:
    """Print what is there, and say whether it is enough."""
    rows = pd.read_csv(folder / "results/face_branch/people.csv", keep_default_na=False)
    left_out = Counter(reason.partition(":")[0] for reason in rows.loc[rows["status"] != "accepted", "reason"])
    print(f"{len(rows)} files, left out: {', '.join(f'{count} {reason}' for reason, count in left_out.items())}")
    card = read_json(folder / f"models/{MODEL}/face_branch/card.json")
    print(f"{card['portraits']} portraits of {card['people']} people learned from, {card['people_held_out']} people held out")
    print(pd.DataFrame(card["scores"]).T.to_string())
    for timing in sorted((folder / "logs").rglob("*.tsv")):
        took = pd.read_csv(timing, sep="\t")
        job = timing.relative_to(folder / "logs").with_suffix("")
        print(f"{job}: {took['s'][0]:.0f} s, {took['cpu_time'][0]:.0f} s of a processor")
    scores, chance = card["scores"], 1 / card["people_held_out"]
    return (
        scores["with the face"]["rank1"] >= LEAST
        and scores["with the next one's face"]["rank1_other"] >= LEAST
        and scores["without"]["rank1"] <= 3 * chance
    )


if __name__ == "__main__":
    main()
