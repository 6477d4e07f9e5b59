"""What the tiny model makes of masks, and what it keeps of what it could, on people and dances that are held out.

usage: python -m lab.settings.masks MODEL... [--people 4] [--seeds 0 ...] [--only one|going|region|duet]
       (after `snakemake models`)

A MODEL is a folder in diffusers' layout, such as assets/tiny, or a folder of a training's checkpoints: of the newest of them the
averaged weights are taken. Prints tables with a row for each model. A clip of two windows takes some ten seconds of a core.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from facedance.config import params
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.wan.encoder import LatentEncoder
from lab.identity.cast import NAMES
from lab.identity.clips import make_clip
from lab.identity.look import Judges
from lab.identity.score import score
from lab.identity.sitters import Sitter, sitters_in
from lab.tiny.conditions import with_references
from lab.tiny.fast_transformer import Text
from lab.tiny.mask_batches import TEXT_TOKENS
from lab.tiny.mask_scores import Examiner
from lab.tiny.sampler import TinyModel, open_tiny
from lab.tiny.texts import encode_texts

SHIPPED, FACES, POSE = Path("assets/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
PARTS = ("one", "going", "region", "duet")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", choices=PARTS)
    given = parser.parse_args()
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    judge = LandmarkJudge(installed_predictor())
    judges = Judges(backend, judge, POSE, project.evaluate.every, project.wan)
    people = sitters_in(PEOPLE, NAMES[: given.people], backend, judge, project.faces)
    rows = []
    settings = project.render.settings
    for path in given.models:
        state = path if any(path.glob("step_*.json")) else None
        model = open_tiny(SHIPPED if state else path, settings.steps, settings.flow_shift, state)
        for seed in given.seeds:
            examiner = Examiner(backend, POSE, seed)
            for part in PARTS if given.only is None else (given.only,):
                for row in _measured(part, model, examiner, judges, people):
                    rows.append({"model": str(path), **row})
    table = pd.DataFrame(rows)
    for part, some in table.groupby("part", sort=False):
        means = some.dropna(axis=1, how="all").groupby(["way", "model"], sort=False).mean(numeric_only=True).reset_index()
        print(f"\n{part!s}; {given.people} people, seeds {', '.join(map(str, given.seeds))}\n")
        print("\n".join(f"| {' | '.join(row)} |" for row in _cells(means)), flush=True)


def _cells(table: pd.DataFrame) -> Iterator[list[str]]:
    """The cells of a table's rows as text."""
    yield [str(name) for name in table.columns]
    yield ["---"] * len(table.columns)
    for row in table.itertuples(index=False):
        yield [value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.3f}" for value in row]


def _measured(
    part: str, model: TinyModel, examiner: Examiner, judges: Judges, people: list[Sitter]
) -> Iterator[dict[str, str | float]]:
    """Rows of figures: one for each person, or pair, and way."""
    for i, who in enumerate(people):
        if part == "one":
            yield {"part": "one dancer", "way": "embedding and reference", **_one(model, examiner, judges, people, i)}
        elif part == "going":
            for way, figures in examiner.going_on(model, who).items():
                yield {"part": "going on", "way": way, **figures}
        elif part == "region":
            for way in ("head", "close-up"):
                yield {"part": "a region", "way": way, **examiner.region(model, who, near=way == "close-up")}
        else:
            pair = who, people[(i + 1) % len(people)]
            yield {"part": "two dancers", "way": "faces in regions", **examiner.together(model, pair)}


def _one(model: TinyModel, examiner: Examiner, judges: Judges, people: list[Sitter], own: int) -> dict[str, float]:
    """A clip of the identity benchmark, as its own functions see it."""
    who, wan = people[own], judges.wan
    poses = params.load(Path("params.yaml")).poses
    clip = make_clip(who.face, who.name, examiner.seed, wan, poses, POSE)
    encoder = LatentEncoder(model.vae, *wan.sizes[0])
    control = with_references(
        encoder.control(clip.control)[None], [encoder.reference(read_picture(who.folder / "reference.png"))[None]]
    )
    text = Text.of([encode_texts([clip.prompt], 0)[clip.prompt]], TEXT_TOKENS)
    made = model.sample(
        control, text, torch.from_numpy(who.embedding.vector)[None], torch.ones(1), references=1, seed=examiner.seed
    )
    seen = score(judges.look(encoder.decode(made)), people, own, (own + 1) % len(people), clip.joints, np.roll(clip.joints, 8, 0))
    return {
        "faces found": seen.detected,
        "distance": seen.to_self,
        "rank-1": seen.rank1,
        "PCK": seen.pck,
        "flicker": seen.flicker,
    }


if __name__ == "__main__":
    main()
