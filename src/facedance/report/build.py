"""The page on which a person looks at everything: one folder that opens from a disk, without a server or a network."""

import importlib.metadata
import importlib.resources
import json
import logging
import math
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from facedance.config.params import Params
from facedance.config.sections import Blend
from facedance.files import atomic, read_json, sha256
from facedance.names import CONTROL_PREFIX
from facedance.report.media import Media

_SCRIPTS = ("tables.js", "player.js", "page.js")
_CURVE_POINTS = 300  # more than a chart has pixels for, and a page must stay light


def build_report(
    *,
    params: Params,
    metrics: Path,
    accuracy: Path,
    clips_csv: Path,
    poses_manifests: Sequence[Path],
    faces: Mapping[str, Path],
    training: Mapping[str, Path],
    renders_folder: Path,
    clips_folder: Path,
    poses_folder: Path,
    controls_folder: Path,
    weights: Sequence[Path],
    model_manifest: Path,
    folder: Path,
) -> None:
    """Write `folder`/index.html and copies of the media that it shows.

    Args:
        metrics, accuracy: the tables of `evaluate.summary` and `evaluate.accuracy`; every row of `metrics` is shown.
        faces, training: the folders results/faces/<identity> and results/train/<identity>, by identity.
        controls_folder: where ready-made control videos lie under their clip's name.
        weights: further weight files whose digests are shown.
        model_manifest: manifest.json of the video model: name, size and sha256 of every file.
    """
    media = Media(folder)
    renders = _table(metrics, ("identity", "clip", "variant"))
    for row in renders:
        video = renders_folder / row["identity"] / row["clip"] / f"{row['variant']}.mp4"
        row["video"] = media.add(video, "renders", row["identity"], row["clip"], video.name)
    extraction = _table(accuracy, ("clip", "origin"))
    data = {
        "model": params.model,
        "size": params.wan.clip_size,
        "fps": params.wan.fps,
        "frames": params.wan.frames,
        "renders": renders,
        "clips": {clip: _clip(clip, clips_folder, poses_folder, controls_folder, media) for clip in _unique(renders, "clip")},
        "people": _people(params, faces, media),
        "extraction": extraction,
        "extraction_pck": {origin: _mean_pck(extraction, origin) for origin in _unique(extraction, "origin")},
        "training": {name: loss_curve(path / "metrics.csv") for name, path in sorted(training.items())},
        "rejected": _rejected(clips_csv, "clips") + [row for path in sorted(poses_manifests) for row in _rejected(path, "poses")],
        "parameters": yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120),
        "versions": _versions(),
        "weights": _weights(model_manifest, [*weights, *(path / "adapter.safetensors" for _, path in sorted(training.items()))]),
    }
    media.remove_unused()
    with atomic(folder / "index.html") as temporary:
        temporary.write_text(fill_page(data), encoding="utf-8")
    logging.getLogger("facedance").info("report of %d renders: %s", len(renders), folder / "index.html")


def fill_page(data: Mapping[str, Any]) -> str:
    """The page with its style, its scripts and `data` in it.

    Every `<` of the data is written as an escape of JSON, so no name can end the element that holds it; the scripts put
    texts on the page as text only.
    """
    source = importlib.resources.files("facedance.report")
    parts = {
        "style": source.joinpath("page.css").read_text(),
        "data": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
        "script": "\n".join(source.joinpath(name).read_text() for name in _SCRIPTS),
    }
    return re.sub(r"/\*(style|data|script)\*/", lambda mark: parts[mark[1]], source.joinpath("page.html").read_text())


def loss_curve(path: Path) -> list[tuple[int, float | None, float | None]]:
    """Step, loss and loss in the face of a training's metrics.csv, as means over at most 300 equal stretches of steps."""
    table = pd.read_csv(path)[["step", "loss", "face_loss"]]
    stretch = table.index * min(_CURVE_POINTS, len(table)) // max(len(table), 1)
    points = table.groupby(stretch).agg({"step": "last", "loss": "mean", "face_loss": "mean"})
    return [(int(step), _number(loss), _number(face)) for step, loss, face in points.itertuples(index=False)]


def _table(path: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a csv: the columns `names` as texts, all others as numbers, None where a cell is empty."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return [{str(k): v if k in names else _number(v) for k, v in row.items()} for row in rows]


def _number(value: Any) -> float | None:
    number = float(value) if value != "" else float("nan")
    return None if math.isnan(number) else round(number, 6)


def _unique(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return sorted({row[key] for row in rows})


def _clip(clip: str, clips: Path, poses: Path, controls: Path, media: Media) -> dict[str, str | None]:
    if clip.startswith(CONTROL_PREFIX):
        return {"source": None, "control": media.add(controls / f"{clip}.mp4", "controls", f"{clip}.mp4")}
    return {
        "source": media.add(clips / f"{clip}.mp4", "clips", f"{clip}.mp4"),
        "control": media.add(poses / f"{clip}.mp4", "controls", f"{clip}.mp4"),
    }


def _people(params: Params, faces: Mapping[str, Path], media: Media) -> dict[str, Any]:
    people: dict[str, Any] = {}
    for name, path in sorted(faces.items()):
        people[name] = {
            "members": [name],
            "consent": params.identities[name].consent,
            "reference": media.add(path / "reference.png", "faces", name, "reference.png"),
            "crops": media.add(path / "crops.png", "faces", name, "crops.png"),
            "photos": _table(path / "photos.csv", ("photo", "status", "reason")),
        }
    for name, blend in params.render.blends.items():
        people[name] = {"members": list(blend.members), "made_of": _made_of(blend)}
    return people


def _made_of(blend: Blend) -> str:
    if blend.weights is not None:
        return "blend: " + " + ".join(f"{weight:g} {name}" for name, weight in blend.weights.items())
    first, second = blend.members
    return f"from {first} to {second}" + ("" if blend.t == "moving" else f", at {blend.t:g}")


def _mean_pck(rows: Sequence[Mapping[str, Any]], origin: str) -> float | None:
    values = [row["pck"] for row in rows if row["origin"] == origin and row["pck"] is not None]
    return sum(values) / len(values) if values else None


def _rejected(path: Path, stage: str) -> list[dict[str, str]]:
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return [{"clip": r["clip"], "stage": stage, "reason": r["reason"]} for r in rows if r["status"] == "rejected"]


def _versions() -> list[dict[str, str]]:
    """Python and every installed package: what a dependency is installed as differs between CPU and GPU machines."""
    found = {d.name: d.version for d in importlib.metadata.distributions()}
    packages = [{"package": name, "version": found[name]} for name in sorted(found, key=str.lower)]
    return [{"package": "Python", "version": platform.python_version()}, *packages]


def _weights(manifest: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    model = [{"file": f"{manifest.parent.name}/{name}", **facts} for name, facts in read_json(manifest)["files"].items()]
    return model + [{"file": path.as_posix(), "size": path.stat().st_size, "sha256": sha256(path)} for path in files]
