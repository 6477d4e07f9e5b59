"""Scores of the renders of one identity in one shard."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import distances, observe, pose
from facedance.evaluate.temporal import embedding_consistency
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend
from facedance.files import atomic, sha256
from facedance.names import CONTROL_PREFIX
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.rerun.item_cache import item_key, record, reusable

COLUMNS = (
    "identity", "clip", "variant", "frames",
    "face_detected_rate", "identity_distance", "nearest_other_distance", "recognised_rate", "embedding_consistency",
    "pose_detected_rate", "pose_error_px", "pose_pck", "flicker",
)  # fmt: skip


@dataclass(frozen=True)
class ScoreFiles:
    """What the scoring of one identity's renders in one shard reads and writes."""

    renders: Path  # csv: identity, clip, variant, video
    named: Sequence[tuple[str, str, str]]  # further ones that are there by name: identity, clip, variant
    renders_folder: Path  # `<identity>/<clip>/<variant>.mp4`
    landmarks: Sequence[Path]  # parquet: the poses that drive the renders
    identities: Mapping[str, Path]  # safetensors: everybody's identity embedding, by name
    dancers: Path  # safetensors: the dancers' embeddings
    pose_model: Path  # MediaPipe's landmarker
    observations: Path  # folder to keep what was seen in each render, `<identity>/<clip>/<variant>.safetensors`
    scores: Path  # csv to write


def score_shard(
    files: ScoreFiles, backend: FaceBackend, blends: Mapping[str, Blend], params: Evaluate, wan: WanModel, stamp: Path
) -> None:
    """Score every render of the shard; one that was asked for by name is left out where it does not fit its clip any more.

    Columns are `COLUMNS`: distances in the recogniser's measure, `pose_error_px` in pixels of the clip, `flicker` in grey
    levels, rates as shares of all scored frames (faces: every `params.every`-th). A cell is empty where nothing can be
    measured: a distance when no face is found, a pose of a ready-made control video, which has no driving landmarks.
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
    rows = []
    for i, (name, clip, variant) in enumerate(renders, 1):
        item = f"{name}/{clip}/{variant}"
        video = files.renders_folder / f"{item}.mp4"
        seen = _observed(video, files.observations, item, item_key(stamp, sha256(video), *judges), look)
        if (name, clip, variant) not in listed and not _fits(seen, driving.get(clip), clip):
            logging.getLogger("facedance").warning("%s was made of another clip: ask for it again to see its scores", video)
            continue
        scores = _scores(seen, name, driving.get(clip), people, near)
        rows.append({"identity": name, "clip": clip, "variant": variant, **scores})
        logging.getLogger("facedance").info(
            "scored %d of %d: %s, %s, %s: face in %.0f %% of frames, recognised in %.0f %%",
            i, len(renders), name, clip, variant, 100 * scores["face_detected_rate"], 100 * scores["recognised_rate"],
        )  # fmt: skip
    with atomic(files.scores) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


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


def _scores(
    seen: observe.Observation,
    name: str,
    driving: NDArray[np.float32] | None,
    people: distances.People,
    recognised_distance: float,
) -> dict[str, Any]:
    frames = len(seen.people)
    target = people.target(name, seen.scored.tolist(), frames)
    faces = distances.compare(seen.faces, target, people.others(name), recognised_distance)
    joints = _pose_score(seen.people, driving)
    return {
        "frames": frames,
        **asdict(faces),
        "embedding_consistency": embedding_consistency(seen.faces),
        "pose_detected_rate": float(np.mean(~np.isnan(seen.people[:, 0, 0]))),
        "pose_error_px": joints.error_px,
        "pose_pck": joints.pck,
        "flicker": float(seen.flicker[0]),
    }


def _pose_score(people: NDArray[np.float32], driving: NDArray[np.float32] | None) -> pose.PoseScore:
    if driving is None:
        return pose.PoseScore(None, None, None)
    if len(driving) != len(people):
        raise ValueError(f"the render has {len(people)} frames but its driving pose {len(driving)}")
    return pose.compare(people[:, COCO_IN_MEDIAPIPE, :2], driving[..., :2], driving[..., 2] >= pose.MIN_VISIBILITY)
