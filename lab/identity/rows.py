"""A clip's part of the benchmark: a row of figures for each way of making it, and pictures of some."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.faces.photos import load_photo
from facedance.video.pictures import Frames
from lab.identity.clips import Clip
from lab.identity.grid import write_row
from lab.identity.look import Judges
from lab.identity.recipes import ADAPTER, BASE, BOTH, DRIVER, REFERENCE, TRUTH, VAE, WITH_LORA, Variant, sources
from lab.identity.score import score
from lab.identity.sitters import Sitter
from lab.identity.table import write_csv

_SHOWN = {"face off": BASE, "adapter": ADAPTER, "reference": REFERENCE, "both": BOTH, "both + LoRA": WITH_LORA}


def score_clip(
    judges: Judges,
    people: Sequence[Sitter],
    own: int,
    clip: Clip,
    wrong: NDArray[np.float32],
    renders: Mapping[str, Frames],
    variants: Sequence[Variant],
    out: Path,
) -> None:
    """Write a row for each ceiling and variant of a clip of `people[own]`, and, as a picture beside the table, some of them.

    The other person of the recipes is the next one, `wrong` (T, 17, 3) the pose of another clip; `renders` go by the names
    that `sources` gives.
    """
    names = sources(variants)
    shown = {DRIVER: clip.driver, TRUTH: clip.truth, **renders}
    sights = {name: judges.look(frames) for name, frames in shown.items()}
    other = (own + 1) % len(people)
    person, seed = out.stem.split(".")
    rows = [
        {"table": table, "variant": name, **asdict(score(sights[source], people, own, other, clip.joints, wrong))}
        for table, name, source in (
            *(("faces", name, name) for name in (DRIVER, TRUTH, VAE)),
            *((variant.table, variant.name, names[variant.recipe]) for variant in variants),
        )
    ]
    write_csv(pd.DataFrame(rows).assign(person=person, seed=int(seed)), out)
    middle = len(clip.driver) // 2
    pictures = {"driving pose": clip.poses[middle], "photo": load_photo(people[own].photos[0])}
    pictures |= {title: shown[name][middle] for title, name in _SHOWN.items() if name in shown}
    write_row(people[own].name, pictures, out.with_suffix(".png"))
