"""Whether likeness chooses well: trainings that it ends and chooses from, against one of a fixed length; the best of some seeds.

usage: python -m lab.settings.selection [--people 8] [--seeds 0 ...] [--steps 300] [--most 600] [--every 25] [--patience 3]
       [--clips 2] [--tries 4] [--known 16] [--only WAY ...]     (after `snakemake models`)

People whom the model has never seen are trained on their photos. A selection looks at them in one dance; all are then rendered in
other dances, and seen there by the recogniser, which has chosen, and by the second judge, who has not. Prints a line for each
render, means by way with their deviation over people and seeds, and what the best of `--tries` render seeds brings.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from facedance.config import params
from facedance.config.captions import TrainingTexts
from facedance.config.params import Params
from facedance.config.sections import Phase, Train
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.likeness import Judges
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import save_embeddings
from facedance.files import read_json, sha256
from facedance.latents.encode import encode_prompts, save_latents
from facedance.poses.skeleton import COCO
from facedance.train.dataset import NO_TEXT, TrainingFiles
from facedance.train.judging import JudgeFiles
from facedance.train.loop import AdapterFiles, train_identity
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import choose_device, load_vae
from lab.identity.cast import NAMES
from lab.identity.clips import Clip, make_clip
from lab.identity.recipes import ADAPTERS, LORA, Recipe
from lab.identity.sitters import Sitter, sitters_in
from lab.identity.studio import Studio
from lab.identity.training import PROMPT, Trainer
from lab.settings.best_of import figures, kept
from lab.world.words import PORTRAIT

MODEL, FACES, POSE = Path("models/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
LOOKED_AT, DANCE = "looked-at_000", "dance"
FIXED, AS_MANY, MORE = WAYS = ("fixed", "chosen of as many", "chosen of more")
RECIPE = Recipe(face=0, reference="own", lora="own")
USUAL = {"people": 8, "steps": 300, "most": 600, "every": 25, "patience": 3, "clips": 2, "tries": 4}
FIGURES = ["steps", "from step", "found", "distance", "PCK", "second judge", "rank-1", "second's rank-1"]


@dataclass(frozen=True)
class Bench:
    """What all trainings and renders share; the first ones of `people` are not trained."""

    project: Params
    judges: Judges
    studio: Studio
    encoder: LatentEncoder
    people: Sequence[Sitter]

    def files(self, who: Sitter, seed: int, folder: Path) -> tuple[TrainingFiles, JudgeFiles]:
        """What a training of somebody reads: their photos, and a dance to look at them in."""
        wan, train = self.project.wan, self.project.train
        clip = make_clip(who.face, who.name, 200 + seed, wan, self.project.poses, POSE)
        trainer = Trainer(MODEL, wan, train, self.project.faces, self.project.poses, self.judges.backend, FACES, POSE)
        latents, (width, height) = folder / "clip.safetensors", wan.clip_size(wan.sizes[0])
        save_latents(latents, {name: self._encode(clip, name) for name in ("video", "control")})
        row = {"clip": LOOKED_AT, "status": "accepted", "width": width, "height": height, "file": latents.name}
        pd.DataFrame([{**row, "sha256": sha256(latents)}]).to_csv(folder / "clips.csv", index=False)
        boxes = pd.DataFrame(clip.heads * wan.clip_scale, columns=["x0", "y0", "x1", "y1"])
        boxes.assign(clip=LOOKED_AT, frame=boxes.index).to_parquet(folder / "boxes.parquet")
        save_embeddings(folder / "dancers.safetensors", {LOOKED_AT: self.people[0].embedding}, {})
        encode_prompts(MODEL, wan, {PROMPT: PORTRAIT, NO_TEXT: "", DANCE: clip.prompt}, folder / "prompts.safetensors")
        _landmarks(clip).to_parquet(folder / "landmarks.parquet")
        files = replace(
            trainer.files(who),
            prompts=folder / "prompts.safetensors",
            manifests=[folder / "clips.csv"],
            latents=folder,
            boxes=[folder / "boxes.parquet"],
            dancers=[folder / "dancers.safetensors"],
        )
        return files, JudgeFiles("dlib", POSE, [folder / "landmarks.parquet"], who.folder / "reference.png")

    def train(self, who: Sitter, files: TrainingFiles, judges: JudgeFiles, train: Train, folder: Path) -> Mapping[str, Any]:
        """Make an adapter the one that somebody is rendered with; what is known of it."""
        out = AdapterFiles(
            state=folder / "state",
            adapter=folder / "adapter.safetensors",
            meta=folder / "meta.json",
            metrics=folder / "metrics.csv",
            likeness=folder / "validation.csv",
            validation=folder / "validation",
        )
        wan = self.project.wan.model_copy(update={"sizes": self.project.wan.sizes[:1]})
        said = replace(TrainingTexts.one(PROMPT), dance=DANCE)
        train_identity(who.name, files, out, wan, train, said, judges=judges)
        shutil.copyfile(out.adapter, who.folder / LORA / ADAPTERS["own"])
        return read_json(out.meta)

    def figures(self, who: Sitter, clip: Clip, seed: int) -> dict[str, float]:
        """What is seen of somebody in a dance that nothing has looked at."""
        wan, other = self.project.wan, self.people[0]
        ((_, made),) = self.studio.render(clip, who, other, seed, [RECIPE])
        frames: Frames = resized(made, wan.clip_size(wan.sizes[0]))
        return figures(self.judges, self.people, who, clip, frames, wan.fps)

    def _encode(self, clip: Clip, what: str) -> torch.Tensor:
        return self.encoder.video(clip.truth) if what == "video" else self.encoder.control(clip.control)


def _landmarks(clip: Clip) -> pd.DataFrame:
    """The clip's pose as the poses stage writes one."""
    rows = [
        (LOOKED_AT, 1, frame, joint, *clip.joints[frame, number].tolist())
        for frame in range(len(clip.joints))
        for number, joint in enumerate(COCO)
    ]
    return pd.DataFrame(rows, columns=["clip", "dancer", "frame", "joint", "x", "y", "visibility"])


def ways(project: Params, given: argparse.Namespace) -> dict[str, Train]:
    """The trainings that are compared."""

    def lora(steps: int, **values: Any) -> Train:
        phases = (Phase(steps=steps, trains=("lora",)),)
        return project.train.model_copy(update={"photo_share": 1.0, "videos": (), "phases": phases, **values})

    looks = {"select": "best", "validate_every": given.every, "patience": given.patience}
    return {
        FIXED: lora(given.steps, select="last", validate_every=0),
        AS_MANY: lora(given.steps, **looks),
        MORE: lora(given.most, **looks),
    }


def rows(bench: Bench, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each training, dance and render seed."""
    wan, poses = bench.project.wan, bench.project.poses
    for who in bench.people[-given.people :]:
        dances = [make_clip(who.face, who.name, 300 + number, wan, poses, POSE) for number in range(given.clips)]
        for seed in given.seeds:
            with tempfile.TemporaryDirectory() as name:
                files, judges = bench.files(who, seed, Path(name))
                for way, train in ((way, train) for way, train in ways(bench.project, given).items() if way in given.only):
                    values = train.model_copy(update={"seed": seed})
                    facts = bench.train(who, files, judges, values, Path(name) / way.replace(" ", "_"))
                    named = {
                        "way": way,
                        "who": who.name,
                        "seed": seed,
                        "steps": facts["steps"],
                        "from step": facts["adapter_step"],
                    }
                    for dance, clip in enumerate(dances):
                        for attempt in range(given.tries):
                            row = {**named, "dance": dance, "try": attempt, **bench.figures(who, clip, attempt)}
                            print(
                                {name: round(cell, 3) if isinstance(cell, float) else cell for name, cell in row.items()},
                                flush=True,
                            )
                            yield row


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in USUAL.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--known", type=int, default=len(NAMES), help="people of whom one is to be named; the last are trained")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS, metavar="WAY")
    given = parser.parse_args()
    project = params.load(Path("params.yaml"))
    backend, judge = DlibBackend(FACES), LandmarkJudge(installed_predictor())
    people = sitters_in(PEOPLE, NAMES[-given.known :], backend, judge, project.faces)
    render = project.render
    studio = Studio(MODEL, project.wan, render.settings, render.memory, render.speed, project.prompts, backend.dimension)
    encoder = LatentEncoder(load_vae(MODEL, choose_device()), *project.wan.sizes[0])
    table = pd.DataFrame(rows(Bench(project, Judges(backend, judge, POSE), studio, encoder, people), given))
    one = table[table["try"] == 0]
    each = one.groupby(["way", "who", "seed"], sort=False)[FIGURES].mean()
    print("\nmeans\n", each.groupby("way", sort=False).mean().round(4).to_string())
    print("\ndeviations over people and seeds\n", each.groupby("way", sort=False).std().round(4).to_string())
    of_one = ["way", "who", "seed", "dance"]
    best = table.groupby(of_one, sort=False)[["try", *FIGURES]].apply(kept)
    print(f"\nthe best of {given.tries} seeds\n", best.groupby(level="way", sort=False)[FIGURES].mean().round(4).to_string())


if __name__ == "__main__":
    main()
