"""From the scores of all clips to the benchmark's tables and its picture."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Evaluate, WanModel
from facedance.files import atomic
from lab.identity.grid import write_grid
from lab.identity.recipes import LORA, METRICS
from lab.identity.table import markdown, summarise, write_csv

_GRID_ROWS = 4


def gather(
    scores: Sequence[Path], people: Sequence[Path], wan: WanModel, settings: RenderSettings, evaluate: Evaluate, out: Path
) -> pd.DataFrame:
    """Write clips.csv (a row per clip and variant), identity.csv (one per variant, which is returned), identity.md and grid.png.

    `scores` are in the order of seeds and people, with pictures beside them as png; `people` are folders.
    """
    rows = pd.concat([pd.read_csv(path) for path in scores], ignore_index=True)
    summary = summarise(rows)
    write_csv(rows, out / "clips.csv")
    write_csv(summary, out / "identity.csv")
    guidance = settings.guidance_scale
    facts = (
        f"people: {len(people)}, seeds: {rows['seed'].nunique()}; {wan.frames} frames a clip, faces looked for in every "
        f"{evaluate.every}th",
        f"{settings.steps} steps, guidance {guidance:g}, of the face {guidance * settings.face_gain:g}",
        _lora_fact(people),
        "means over people, ± the standard deviation of the seeds' means; a clip without a face is not recognised",
    )
    with atomic(out / "identity.md") as temporary:
        temporary.write_text(markdown(summary, len(people), facts), encoding="utf-8")
    write_grid([path.with_suffix(".png") for path in scores[: min(_GRID_ROWS, len(people))]], out / "grid.png")
    return summary


def _lora_fact(people: Sequence[Path]) -> str:
    metrics = [path for folder in people if (path := folder / LORA / METRICS).exists()]
    if not metrics:
        return "no LoRA"
    seconds = pd.concat([pd.read_csv(path) for path in metrics])["seconds"]
    steps = len(pd.read_csv(metrics[0]))
    each = seconds.median()
    return f"LoRA: {steps} steps on each person's photos, {each:.2f} s a step, {steps * each / 60:.1f} minutes"
