"""What the best of several seeds brings: people and dances that are held out, each rendered with several seeds.

usage: python -m lab.settings.best_of [--people 4] [--seeds 0 ...] [--try 4]     (after `snakemake models`)

The recogniser chooses as renders are chosen (`render.settings.seeds`); the landmark judge has no part in it. Prints a line for
each render, and means over people and dances: of one seed (all of them, as any might have been the one), of the best, and of what
the best brings, with its standard error. Nobody has a LoRA: the face comes from the embedding and the reference. `--seeds` are
those of the dances. A render takes a minute of a core.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facedance.config import params
from facedance.config.params import Params
from facedance.evaluate.choice import best_of
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.likeness import Judges, Likeness, likeness
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents
from lab.identity.cast import NAMES
from lab.identity.clips import Clip, make_clip
from lab.identity.score import face_distances, shape_distances
from lab.identity.sitters import Sitter, sitters_in
from lab.settings.renderer import frames_of, open_renderer

FACES, POSE = Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
FIGURES = ["found", "distance", "PCK", "rank-1", "second judge", "second's rank-1"]


@dataclass(frozen=True)
class Stage:
    """A model, and all that a render takes."""

    project: Params
    pipeline: Any
    branch: Any

    def frames(self, who: Sitter, clip: Clip, seed: int) -> Frames:
        """The person in a clip, in the size of clips."""
        wan, settings = self.project.wan, self.project.render.settings.model_copy(update={"seed": seed})
        encoder = LatentEncoder(self.pipeline.vae, *wan.sizes[0])
        head = encoder.reference(read_picture(who.folder / "reference.png"))
        control = ControlLatents(encoder.control(clip.control), (head,))
        made = frames_of((self.pipeline, self.branch), who, clip.prompt, control, settings)
        return resized(made, wan.clip_size(wan.sizes[0]))


def figures(judges: Judges, people: Sequence[Sitter], who: Sitter, clip: Clip, frames: Frames, fps: int) -> dict[str, float]:
    """What is seen in the frames of a render of somebody among people; NaN is what cannot be measured."""
    seen, own = judges.look(frames, fps), [one.name for one in people].index(who.name)
    said = likeness(seen, np.repeat(who.embedding.raw[None], len(seen.scored), axis=0), [who.shape], clip.joints)
    first = face_distances(seen.faces, np.stack([one.embedding.raw for one in people]))
    second = shape_distances(seen.shapes, people)
    known = bool(np.isfinite(first).all())
    values = {
        "found": said.face_detected_rate,
        "distance": said.identity_distance,
        "PCK": said.pose_pck,
        "second judge": said.landmark_distance,
        "rank-1": float(known and first.argmin() == own),
        "second's rank-1": float(known and second.argmin() == own),
    }
    return {name: np.nan if value is None else value for name, value in values.items()}


def kept(tries: pd.DataFrame) -> pd.Series:
    """Of the rows of one render with several seeds the one that the rule chooses; the first where no face was found."""
    return tries.iloc[best_of([_said(row) for row in tries.to_dict("records")]) or 0]


def comparison(table: pd.DataFrame) -> pd.DataFrame:
    """Means of one seed and of the best, what the best brings, and the standard error of that, over people and dances."""
    groups = table.groupby(["who", "dance"], sort=False)
    one, best = groups[FIGURES].mean(), groups[["seed", *FIGURES]].apply(kept)[FIGURES].astype(float)
    gain = best - one
    rows = {"one seed": one.mean(), "the best": best.mean(), "gain": gain.mean(), "its error": gain.sem()}
    return pd.DataFrame(rows).T


def _said(row: Mapping[Any, Any]) -> Likeness:
    return Likeness(row["found"], None if np.isnan(row["distance"]) else row["distance"], row["PCK"], None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("assets/tiny"))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--try", dest="tries", type=int, default=4)
    given = parser.parse_args()
    table = pd.DataFrame(_rows(given))
    print(f"\nthe best of {given.tries} seeds\n{comparison(table).round(4).to_string()}")


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    judge = LandmarkJudge(installed_predictor())
    judges = Judges(backend, judge, POSE)
    people = sitters_in(PEOPLE, NAMES, backend, judge, project.faces)  # all of them: whom a face can be taken for
    stage = Stage(project, *open_renderer(given.model, project, backend.dimension))
    for dance in given.seeds:
        for who in people[-given.people :]:
            clip = make_clip(who.face, who.name, dance, project.wan, project.poses, POSE)
            for seed in range(given.tries):
                seen = figures(judges, people, who, clip, stage.frames(who, clip, seed), project.wan.fps)
                row = {"who": who.name, "dance": dance, "seed": seed, **seen}
                print({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}, flush=True)
                yield row


if __name__ == "__main__":
    main()
