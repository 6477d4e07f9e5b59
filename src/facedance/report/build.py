"""The page on which a person looks at everything: one folder that opens from a disk, without a server or a network."""

import importlib.metadata
import importlib.resources
import json
import logging
import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from facedance.config.batches import without_anybody
from facedance.config.cast import cast_in_words, cast_of, dancer_in_words, is_cast, who_is
from facedance.config.params import Params
from facedance.config.rendering import Blend
from facedance.evaluate.asked import how_built
from facedance.evaluate.seams import read_seams
from facedance.evaluate.sidecar import read_sidecar
from facedance.files import atomic, read_json, sha256
from facedance.names import CHOICE, CONTROL_PREFIX
from facedance.report.fates import read_fates
from facedance.report.left_out import left_out
from facedance.report.media import Media
from facedance.report.template import fill
from facedance.tables import read_rows

_SCRIPTS = ("tables.js", "player.js", "timeline.js", "page.js")
_DANCER = ("identity", "clip", "variant", "dancer")
_CURVE_POINTS = 300  # more than a chart has pixels for, and a page must stay light


@dataclass(frozen=True)
class ReportFiles:
    """What the page is made from, and where it goes."""

    metrics: Path  # csv of `evaluate.summary`; every row is shown
    seconds: Path  # csv of the same, by second
    accuracy: Path  # csv of `evaluate.accuracy`
    clips: Path  # csv: all clips, rejected ones included
    poses: Sequence[Path]  # csv: the clips whose poses were extracted, rejected ones included
    faces: Mapping[str, Path]  # folders results/faces/<identity>, by identity
    training: Mapping[str, Path]  # folders results/train/<identity>, by identity
    renders_folder: Path  # `<identity>/<clip>/<variant>.mp4`, and a .json beside each
    clips_folder: Path  # `<clip>.mp4`
    poses_folder: Path  # control videos, `<clip>.mp4`
    model: Path  # manifest.json of the video model: name, size and sha256 of every file
    weights: Sequence[Path]  # further weights, whose digests are shown
    folder: Path  # gets index.html, and copies of the media that it shows


def build_report(params: Params, files: ReportFiles) -> None:
    """Write index.html and copies of the media that it shows."""
    media = Media(files.folder)
    scored = _table(files.metrics, _DANCER)
    renders = [
        row for row in scored if (files.poses_folder / f"{row['clip']}.mp4").is_file()
    ]  # one by name may have lost its clip
    by_second = _by_second(files.seconds)
    dancers = Counter(_render(row) for row in renders)
    for row in renders:
        row["who"] = _who(row, several=dancers[_render(row)] > 1)
        video = files.renders_folder / row["identity"] / row["clip"] / f"{row['variant']}.mp4"
        row["video"] = media.add(video, "renders", row["identity"], row["clip"], video.name)
        row["seconds"] = by_second.get((*_render(row), row["dancer"]), [])
        row["seams"] = read_seams(video.with_suffix(".json"))
        row["choice"] = read_sidecar(video.with_suffix(".json")).get(CHOICE)  # None of one that was made with one seed
        row["built"] = how_built(video.with_suffix(".json"))
    fates = read_fates(files.clips, files.poses)
    usable = {fate.name: fate.dancers for fate in fates if not fate.stage}
    without = without_anybody(usable, params.render.rendered, params.render.batches)
    sizes = {fate.name: fate.size for fate in fates}
    extraction = _table(files.accuracy, ("clip", "origin"))
    adapters = [path / "adapter.safetensors" for _, path in sorted(files.training.items())]
    data = {
        "model": params.model,
        "fps": params.wan.fps,
        "frames": params.wan.frames,
        "renders": renders,
        "clips": {clip: _clip(clip, files, media) | {"size": sizes.get(clip)} for clip in _unique(renders, "clip")},
        "people": _people(params, files.faces, media, _unique(renders, "identity")),
        "extraction": extraction,
        "extraction_pck": {origin: _mean_pck(extraction, origin) for origin in _unique(extraction, "origin")},
        "training": {name: loss_curve(path / "metrics.csv") for name, path in sorted(files.training.items())},
        "likeness": {name: _table(path / "validation.csv", ()) for name, path in sorted(files.training.items())},
        "rejected": left_out(fates, {row["clip"] for row in renders}, without),
        "notes": [{"clip": fate.name, "note": fate.note} for fate in fates if fate.note and not fate.stage],
        "parameters": yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120),
        "versions": _versions(),
        "weights": _weights(files.model, [*files.weights, *adapters]),
    }
    media.remove_unused()
    page = files.folder / "index.html"
    with atomic(page) as temporary:
        temporary.write_text(fill_page(data), encoding="utf-8")
    logging.getLogger("facedance").info("report of %d renders: %s", len(dancers), page)


def fill_page(data: Mapping[str, Any], template: str = "report/page.html") -> str:
    """The page with its style, its scripts and `data` in it; `template` is one that extends the page's own.

    Every `<` of the data is written as an escape of JSON, so no name can end the element that holds it; the scripts put
    texts on the page as text only.
    """
    source = importlib.resources.files("facedance.report")
    script = "\n".join(source.joinpath(name).read_text() for name in _SCRIPTS)
    return fill(template, data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"), script=script)


def loss_curve(path: Path) -> list[tuple[int, float | None, float | None]]:
    """Step, loss and loss in the face of a training's metrics.csv, as means over at most 300 equal stretches of steps."""
    table = pd.read_csv(path)[["step", "loss", "face_loss"]]
    stretch = table.index * min(_CURVE_POINTS, len(table)) // max(len(table), 1)
    points = table.groupby(stretch).agg({"step": "last", "loss": "mean", "face_loss": "mean"})
    return [(int(step), _number(loss), _number(face)) for step, loss, face in points.itertuples(index=False)]


def _table(path: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a csv: the columns `names` as texts, all others as numbers, None where a cell is empty."""
    return [{k: v if k in names else _number(v) for k, v in row.items()} for row in read_rows(path)]


def _render(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["identity"], row["clip"], row["variant"]


def _who(row: Mapping[str, Any], *, several: bool) -> str:
    """Who a row of scores is about: whoever is rendered, and of several dancers one."""
    name, dancer = row["identity"], int(row["dancer"])
    return dancer_in_words(who_is(name, dancer), dancer) if several or is_cast(name) else name


def _by_second(path: Path) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """The rows of each dancer of a render in their order, without its names."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in _table(path, _DANCER):
        names = tuple(row[name] for name in _DANCER)
        found.setdefault(names, []).append({key: value for key, value in row.items() if key not in _DANCER})
    return found


def _number(value: Any) -> float | None:
    number = float(value) if value != "" else float("nan")
    return None if math.isnan(number) else round(number, 6)


def _unique(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return sorted({row[key] for row in rows})


def _clip(clip: str, files: ReportFiles, media: Media) -> dict[str, Any]:
    """Addresses of a clip and its control video; a ready-made control video has no clip."""
    name, ready_made = f"{clip}.mp4", clip.startswith(CONTROL_PREFIX)
    return {
        "source": None if ready_made else media.add(files.clips_folder / name, "clips", name),
        "control": media.add(files.poses_folder / name, "controls", name),
    }


def _people(params: Params, faces: Mapping[str, Path], media: Media, rendered: Sequence[str]) -> dict[str, Any]:
    """People, blends, and those casts that are `rendered`."""
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
    for name in rendered:
        if cast := cast_of(name):
            people[name] = {"members": list(params.render.members(name)), "made_of": cast_in_words(cast)}
    return people


def _made_of(blend: Blend) -> str:
    if blend.weights is not None:
        return "blend: " + " + ".join(f"{weight:g} {name}" for name, weight in blend.weights.items())
    first, second = blend.members
    return f"from {first} to {second}" + ("" if blend.t == "moving" else f", at {blend.t:g}")


def _mean_pck(rows: Sequence[Mapping[str, Any]], origin: str) -> float | None:
    values = [row["pck"] for row in rows if row["origin"] == origin and row["pck"] is not None]
    return sum(values) / len(values) if values else None


def _versions() -> list[dict[str, str]]:
    """Versions of Python and of every installed package."""
    found = {d.name: d.version for d in importlib.metadata.distributions()}
    packages = [{"package": name, "version": found[name]} for name in sorted(found, key=str.lower)]
    return [{"package": "Python", "version": platform.python_version()}, *packages]


def _weights(manifest: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    model = [{"file": f"{manifest.parent.name}/{name}", **facts} for name, facts in read_json(manifest)["files"].items()]
    return model + [{"file": path.as_posix(), "size": path.stat().st_size, "sha256": sha256(path)} for path in files]
