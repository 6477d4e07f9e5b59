"""Scores of the renders of one identity in one shard."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.config.cast import is_cast
from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import distances, observe, pose
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.drift import DRIFTS, drift
from facedance.evaluate.figures import FIGURES, figures
from facedance.evaluate.seams import read_seams
from facedance.evaluate.seconds import Second, by_second
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend
from facedance.files import atomic, sha256
from facedance.names import CONTROL_PREFIX
from facedance.rerun.item_cache import item_key, record, reusable

COLUMNS = ("identity", "clip", "variant", *FIGURES, *DRIFTS)
SECONDS_COLUMNS = ("identity", "clip", "variant", *(field.name for field in fields(Second)))


@dataclass(frozen=True)
class ScoreFiles:
    """What the scoring of one identity's renders in one shard reads and writes."""

    renders: Path  # csv: identity, clip, variant, video
    named: Sequence[tuple[str, str, str]]  # further ones that are there by name: identity, clip, variant
    renders_folder: Path  # `<identity>/<clip>/<variant>.mp4`, and a .json beside each
    landmarks: Sequence[Path]  # parquet: the poses that drive the renders
    identities: Mapping[str, Path]  # safetensors: everybody's identity embedding, by name
    dancers: Path  # safetensors: the dancers' embeddings
    pose_model: Path  # MediaPipe's landmarker
    observations: Path  # folder to keep what was seen in each render, `<identity>/<clip>/<variant>.safetensors`
    scores: Path  # csv to write: a row for each render
    seconds: Path  # csv to write: a row for each second of each render


def score_shard(
    files: ScoreFiles, backend: FaceBackend, blends: Mapping[str, Blend], params: Evaluate, wan: WanModel, stamp: Path
) -> None:
    """Score every render of the shard; one that was asked for by name is left out where it does not fit its clip any more.

    Columns are `COLUMNS` and `SECONDS_COLUMNS`: distances in the recogniser's measure, `pose_error_px` in pixels of the clip,
    `flicker` in grey levels, rates as shares of all scored frames (faces: every `params.every`-th), the others as in `drift`
    and `Second`. A cell is empty where nothing can be measured: a distance when no face is found, a pose of a ready-made
    control video, which has no driving landmarks, a drift of a render that is too short, whose face it is in a cast.
    """
    table = pd.read_csv(files.renders, dtype=str, keep_default_na=False)
    listed = list(table[["identity", "clip", "variant"]].itertuples(index=False, name=None))
    renders = list(dict.fromkeys([*listed, *files.named]))
    people = distances.People(
        identities={name: load_embeddings(path)["embedding"] for name, path in sorted(files.identities.items())},
        blends=blends,
        dancers=list(load_embeddings(files.dancers).values()),
    )
    driving = pose.read_landmarks(files.landmarks, sorted({clip for _, clip, _ in renders}))
    judges = (sha256(files.pose_model), backend.name)
    look = functools.partial(observe.observe, backend=backend, pose_model=files.pose_model, params=params, wan=wan)
    near = backend.recognised_distance if params.recognised_distance is None else params.recognised_distance
    rows, by_seconds = [], []
    for i, (name, clip, variant) in enumerate(renders, 1):
        item = f"{name}/{clip}/{variant}"
        video = files.renders_folder / f"{item}.mp4"
        seen = _observed(video, files.observations, item, item_key(stamp, sha256(video), *judges), look)
        if (name, clip, variant) not in listed and not _fits(seen, driving.get(clip), clip):
            logging.getLogger("facedance").warning("%s was made of another clip: ask for it again to see its scores", video)
            continue
        wanted = _wanted(people, name, seen, near, driving.get(clip))
        seconds = by_second(seen, wanted, wan.fps)
        scores = {**figures(seen, wanted), **drift(seen, seconds, read_seams(video.with_suffix(".json")), wan.fps)}
        names = {"identity": name, "clip": clip, "variant": variant}
        rows.append({**names, **scores})
        by_seconds += [{**names, **asdict(second)} for second in seconds]
        logging.getLogger("facedance").info(
            "scored %d of %d: %s, %s, %s: face in %.0f %% of frames, recognised in %s",
            i, len(renders), name, clip, variant, 100 * scores["face_detected_rate"], _share(scores["recognised_rate"]),
        )  # fmt: skip
    _write(files.seconds, by_seconds, SECONDS_COLUMNS)
    _write(files.scores, rows, COLUMNS)


def _wanted(
    people: distances.People, name: str, seen: observe.Observation, near: float, driving: NDArray[np.float32] | None
) -> Wanted:
    """What a render should show; of a cast, whose dancers become several people, neither one face nor one pose."""
    if is_cast(name):
        return Wanted(None, people.others(name), near, None)
    target = people.target(name, seen.scored.tolist(), len(seen.people))
    return Wanted(target, people.others(name), near, driving)


def _share(rate: float | None) -> str:
    return "unknown" if rate is None else f"{100 * rate:.0f} %"


def _observed(video: Path, folder: Path, item: str, key: str, look: Callable[[Path], observe.Observation]) -> observe.Observation:
    kept = folder / f"{item}.safetensors"
    if reusable(folder, item, key) is None:
        observe.save(kept, look(video))
        record(folder, item, key, [kept], {})
    return observe.load(kept)


def _fits(seen: observe.Observation, driving: NDArray[np.float32] | None, clip: str) -> bool:
    """Whether a render has the frames of its clip, as that is now."""
    if clip.startswith(CONTROL_PREFIX):
        return True
    return driving is not None and len(driving) == len(seen.people)


def _write(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    with atomic(path) as temporary:
        pd.DataFrame(rows, columns=list(columns)).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
