"""Scores of the renders of one identity in one shard."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.config.sections import Blend, Evaluate, WanModel
from facedance.evaluate import distances as identity
from facedance.evaluate import observe, pose
from facedance.evaluate.temporal import embedding_consistency
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend
from facedance.files import atomic, sha256
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.rerun.item_cache import item_key, record, reusable

COLUMNS = (
    "identity", "clip", "variant", "frames",
    "face_detected_rate", "identity_distance", "nearest_other_distance", "recognised_rate", "embedding_consistency",
    "pose_detected_rate", "pose_error_px", "pose_pck", "flicker",
)  # fmt: skip


def score_shard(
    *,
    manifest: Path,
    renders_folder: Path,
    landmarks: Sequence[Path],
    identities: Mapping[str, Path],
    dancers: Path,
    blends: Mapping[str, Blend],
    backend: FaceBackend,
    pose_model: Path,
    params: Evaluate,
    wan: WanModel,
    observations: Path,
    out: Path,
    stamp: Path,
) -> None:
    """Score every render that `manifest` (csv identity, clip, variant, video) lists and write the rows to `out`.

    Columns are `COLUMNS`: distances in the recogniser's measure, `pose_error_px` in pixels of the clip, `flicker` in grey
    levels, rates as shares of all scored frames (faces: every `params.every`-th). An empty cell is something that cannot be
    measured: distances when no face is found, poses of a ready-made control video, which has no driving landmarks. What was
    seen in each render is kept as `<observations>/<identity>/<clip>/<variant>.safetensors`.
    """
    renders = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    people = identity.People(
        identities={name: load_embeddings(path)["embedding"] for name, path in sorted(identities.items())},
        blends=blends,
        dancers=list(load_embeddings(dancers).values()),
    )
    driving = pose.read_landmarks(landmarks, sorted(set(renders["clip"])))
    judges = (sha256(pose_model), backend.name)
    look = functools.partial(observe.observe, backend=backend, pose_model=pose_model, params=params, wan=wan)
    rows = []
    for i, render in enumerate(renders.itertuples(index=False), 1):
        name, clip, variant = str(render.identity), str(render.clip), str(render.variant)
        item = f"{name}/{clip}/{variant}"
        video = renders_folder / f"{item}.mp4"
        seen = _observed(video, observations, item, item_key(stamp, sha256(video), *judges), look)
        scores = _scores(seen, name, driving.get(clip), people, params.recognised_distance)
        rows.append({"identity": name, "clip": clip, "variant": variant, **scores})
        logging.getLogger("facedance").info(
            "scored %d of %d: %s, %s, %s: face in %.0f %% of frames, recognised in %.0f %%",
            i, len(renders), name, clip, variant, 100 * scores["face_detected_rate"], 100 * scores["recognised_rate"],
        )  # fmt: skip
    with atomic(out) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


def _observed(video: Path, folder: Path, item: str, key: str, look: Callable[[Path], observe.Observation]) -> observe.Observation:
    kept = folder / f"{item}.safetensors"
    if reusable(folder, item, key) is None:
        observe.save(kept, look(video))
        record(folder, item, key, [kept], {})
    return observe.load(kept)


def _scores(
    seen: observe.Observation,
    name: str,
    driving: NDArray[np.float32] | None,
    people: identity.People,
    recognised_distance: float,
) -> dict[str, Any]:
    frames = len(seen.people)
    target = people.target(name, seen.scored.tolist(), frames)
    faces = identity.compare(seen.faces, target, people.others(name), recognised_distance)
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
