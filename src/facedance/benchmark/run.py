"""The benchmark: who is seen in renders of people, dances and photos that nothing was trained on.

Its stages are the rules of rules/benchmark.smk, where each clip is a job; `benchmark` runs them one after the other.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from safetensors.numpy import load_file

from facedance.benchmark.cast import NAMES, folder_name
from facedance.benchmark.clips import make_clip
from facedance.benchmark.gather import gather
from facedance.benchmark.look import Judges
from facedance.benchmark.people import photograph_sitter, read_sitter, read_sitters
from facedance.benchmark.recipes import Variant
from facedance.benchmark.rows import score_clip
from facedance.benchmark.studio import Studio
from facedance.benchmark.training import Trainer
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.files import write_json
from facedance.job import InputError
from facedance.params import Params
from facedance.sections import Benchmark
from facedance.stamps import code_digest

_log = logging.getLogger("facedance")


SMALL = Benchmark(people=3, seeds=1, lora_steps=1)
"""With the variants FEW, of which none has a LoRA, it takes minutes."""


@dataclass(frozen=True)
class Weights:
    """Where the weights are."""

    model: Path
    faces: Path  # dlib's folder
    pose: Path


def benchmark(params: Params, weights: Weights, extent: Benchmark, variants: Sequence[Variant], out: Path) -> pd.DataFrame:
    """Run all stages into the folder `out`, for so many people and seeds; gives a row per variant.

    A seed changes the dance, who dances it, where, and the noise.

    Raises:
        InputError: fewer than two people are asked for or more than there are, weights are missing, or the model comes
            without a trained face branch.
    """
    if not 2 <= extent.people <= len(NAMES):
        raise InputError(f"the benchmark compares 2 to {len(NAMES)} people (given: {extent.people})")
    backend, judge = DlibBackend(weights.faces), LandmarkJudge(installed_predictor())
    wan, render = params.wan, params.render
    studio = Studio(weights.model, wan, render.settings, render.memory, render.speed, params.prompts, backend.dimension)
    trainer = Trainer(weights.model, wan, params.train, params.faces, params.poses, backend, weights.faces, weights.pose)
    judges = Judges(backend, judge, weights.pose, params.evaluate.every, wan)
    names = [folder_name(name) for name in NAMES[: extent.people]]
    folders, stamp = [out / "people" / name for name in names], out / "stamp.json"
    write_json(stamp, {"params": {}, "code": code_digest(__file__), "items": []})
    for folder in folders:
        _log.info("photos of %s", folder.name)
        photograph_sitter(folder, backend, judge, params.faces)
        if any(variant.recipe.lora for variant in variants):
            trainer.train(read_sitter(folder), extent.lora_steps, stamp)
    people, scores = read_sitters(folders), []
    for seed in range(extent.seeds):
        clips = [make_clip(who.face, who.name, seed, wan, params.poses, weights.pose) for who in people]
        for own, (who, name) in enumerate(zip(people, names, strict=True)):
            _log.info("seed %d of %d: %s", seed + 1, extent.seeds, who.name)
            other = (own + 1) % len(people)
            renders = out / "renders" / f"{name}.{seed}.safetensors"
            studio.render_all(clips[own], who, people[other], seed, variants, renders)
            scores.append(out / "scores" / f"{name}.{seed}.csv")
            score_clip(judges, people, own, clips[own], clips[other].joints, load_file(renders), variants, scores[-1])
    return gather(scores, folders, wan, render.settings, params.evaluate, out)
