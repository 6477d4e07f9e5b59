"""The benchmark: who is seen in renders of people, dances and photos that nothing was trained on."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from facedance.benchmark.clips import Clip, make_clip, resized
from facedance.benchmark.grid import write_grid
from facedance.benchmark.look import Judges, Sight
from facedance.benchmark.people import NAMES, Sitter, find_people
from facedance.benchmark.recipes import ADAPTER, BASE, BOTH, FEW, REFERENCE, VARIANTS, WITH_LORA, Recipe, Variant
from facedance.benchmark.score import score
from facedance.benchmark.studio import Studio
from facedance.benchmark.table import markdown, summarise
from facedance.benchmark.training import Trainer
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.face import Image
from facedance.files import atomic
from facedance.job import InputError
from facedance.params import Params
from facedance.video import Frames
from facedance.wan.encoder import read_picture
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch

DRIVER, TRUTH, VAE = "the driving dancer (another face)", "the person drawn in their place", "the same through the VAE"

_GRID_ROWS = 4
_GRID = {"face off": BASE, "adapter": ADAPTER, "reference": REFERENCE, "both": BOTH, "both + LoRA": WITH_LORA}

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Extent:
    """How much is rendered; a LoRA is trained once for each person, for about so many minutes."""

    people: int = 16
    seeds: int = 3
    lora_minutes: float = 3.0
    variants: tuple[Variant, ...] = VARIANTS


SMALL = Extent(people=3, seeds=1, lora_minutes=0.0, variants=FEW)


@dataclass(frozen=True)
class Weights:
    """Where the weights are."""

    model: Path
    faces: Path  # dlib's folder
    pose: Path


def benchmark(params: Params, weights: Weights, extent: Extent, out: Path) -> pd.DataFrame:
    """Render and judge; gives a row per variant, and writes files to the folder `out`.

    These are clips.csv (a row per clip, written after every person, so that it can be looked at before the end), identity.csv
    (what is returned), identity.md and grid.png. A seed changes the dance, who dances it, where, and the noise.

    Raises:
        InputError: fewer than two people are asked for or more than there are, weights are missing, or the model comes
            without a trained face branch.
    """
    if not 2 <= extent.people <= len(NAMES):
        raise InputError(f"the benchmark compares 2 to {len(NAMES)} people (given: {extent.people})")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        session = _Session(params, weights, extent, Path(name))
        rows: list[dict[str, Any]] = []
        for more in session.rows():
            rows += more
            _write_csv(pd.DataFrame(rows), out / "clips.csv")
        write_grid(session.grid, out / "grid.png")
    summary = summarise(pd.DataFrame(rows))
    _write_csv(summary, out / "identity.csv")
    settings = params.render.settings
    guidance = settings.guidance_scale
    facts = (
        f"{extent.people} people, {extent.seeds} seeds; {params.wan.frames} frames a clip, faces looked for in every "
        f"{params.evaluate.every}th",
        f"{settings.steps} steps, guidance {guidance:g}, of the face {guidance * settings.face_gain:g}",
        session.lora_fact,
        f"{time.monotonic() - started:.0f} s with {torch.get_num_threads()} threads on {os.cpu_count()} cores",
        "means over people, ± the standard deviation of the seeds' means; a clip without a face is not recognised",
    )
    with atomic(out / "identity.md") as temporary:
        temporary.write_text(markdown(summary, extent.people, facts), encoding="utf-8")
    return summary


class _Session:
    """One run, and what it has seen so far."""

    def __init__(self, params: Params, weights: Weights, extent: Extent, folder: Path) -> None:
        branch = load_face_branch(weights.model / FACE_BRANCH, DlibBackend.dimension)
        if branch is None:
            raise InputError(f"{weights.model} has no trained face branch, so there is nothing to measure: choose model: tiny")
        self._params, self._weights, self._extent = params, weights, extent
        backend, judge = DlibBackend(weights.faces), LandmarkJudge(installed_predictor())
        self._judges = Judges(backend, judge, weights.pose, params.evaluate.every, params.wan.fps)
        self._trainer = Trainer(weights.model, params, backend, weights.pose)
        self._studio = Studio(weights.model, params, branch, self._adapter, folder)
        self._people = find_people(extent.people, backend, judge, params.faces, folder)
        self._steps = 0
        self.grid: dict[str, Mapping[str, Image]] = {}
        self.lora_fact = "no LoRA"

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Rows of clips.csv, one person with one seed after the other."""
        for seed in range(self._extent.seeds):
            clips = [self._clip(who, seed) for who in self._people]
            for own in range(len(self._people)):
                yield [{**row, "person": self._people[own].name, "seed": seed} for row in self._clip_rows(clips, own, seed)]
                _log.info("seed %d of %d, person %d of %d done", seed + 1, self._extent.seeds, own + 1, len(clips))

    def _clip_rows(self, clips: list[Clip], own: int, seed: int) -> Iterator[dict[str, Any]]:
        clip, who = clips[own], self._people[own]
        next_one = (own + 1) % len(clips)
        ceilings = {DRIVER: clip.driver, TRUTH: clip.truth, VAE: self._studio.through_vae(clip.truth)}
        for name, frames in ceilings.items():
            yield {"table": "faces", "variant": name, **self._scores(self._look(frames), clips, own, next_one)}
        render = self._studio.stage(clip)
        shown: dict[Recipe, tuple[Image, Sight]] = {}
        for variant in self._extent.variants:
            if variant.recipe not in shown:
                frames = render(variant.recipe, who, self._people[next_one], seed)
                shown[variant.recipe] = frames[len(frames) // 2], self._look(frames)
            sight = shown[variant.recipe][1]
            yield {"table": variant.table, "variant": variant.name, **self._scores(sight, clips, own, next_one)}
        if seed == 0 and own < _GRID_ROWS:
            pictures = {"driving pose": clip.poses[len(clip.poses) // 2], "photo": read_picture(who.photos[0])}
            recipes = {variant.name: variant.recipe for variant in self._extent.variants}
            pictures |= {title: shown[recipes[name]][0] for title, name in _GRID.items() if name in recipes}
            self.grid[who.name] = pictures

    def _scores(self, sight: Sight, clips: list[Clip], own: int, other: int) -> dict[str, float]:
        return asdict(score(sight, self._people, own, other, clips[own].joints, wrong=clips[other].joints))

    def _look(self, frames: Frames) -> Sight:
        return self._judges.look(resized(frames, self._params.wan.clip_size))

    def _clip(self, who: Sitter, seed: int) -> Clip:
        params = self._params
        return make_clip(who.face, who.name, seed, wan=params.wan, poses=params.poses, pose_model=self._weights.pose)

    def _adapter(self, kind: str, who: Sitter) -> Path:
        """The adapter of a recipe; how many steps are worth the minutes is measured once."""
        if kind == "self-compared":
            return self._trainer.self_compared(who)
        if not self._steps:
            seconds = self._trainer.seconds_per_step(who)
            self._steps = max(1, round(60 * self._extent.lora_minutes / seconds))
            self.lora_fact = f"LoRA: {self._steps} steps on {len(who.photos)} photos, at {seconds:.2f} s a step"
        return self._trainer.adapter(who, self._steps)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
