"""The scores as a page, with each dance's videos side by side and the project's own renders of it beside them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from facedance import layout
from facedance.config.params import Params
from facedance.evaluate.seams import read_seams
from facedance.files import atomic
from facedance.report.build import fill_page
from facedance.report.media import Media
from facedance.tables import read_rows
from facedance.yardstick.score import Scored

_NAMES = ("identity", "clip", "variant")


def write_page(
    folder: Path, root: Path, person: str, scored: Sequence[Scored], params: Params, made_with: Mapping[str, Any]
) -> None:
    """Write index.html and copies of the videos that it shows to `folder`, beside the tables."""
    media = Media(folder)
    usable = [one for one in scored if not one.row["reason"]]
    theirs = [_row(one, media) for one in usable]
    ours = _ours(root, person, usable, media)
    dances = {one.driving.name: one.driving for one in usable if one.driving}
    clips = {
        name: {
            "source": media.add(dance.source, "dances", f"{name}{dance.source.suffix}"),
            "control": media.add(dance.control, "controls", dance.control.name) if dance.control else None,
            "size": dance.size,
        }
        for name, dance in dances.items()
    }
    sizes = [(one.row["width"], one.row["height"]) for one in usable if not one.driving]
    if sizes:
        clips[""] = {"source": None, "control": None, "size": sizes[0]}
    weights = [{"file": name, "size": None, "sha256": digest} for name, digest in made_with["protocol"]["weights"].items()]
    data = {
        "model": params.model,
        "fps": params.wan.fps,
        "frames": params.wan.frames,
        "summary": _summary(person, len(theirs), len(ours), made_with),
        "renders": sorted(theirs + ours, key=lambda row: row["clip"]),
        "clips": clips,
        "people": _people(root, person, params, media),
        "extraction": [],
        "extraction_pck": {},
        "training": {},
        "rejected": [
            {"file": "", "clip": one.row["video"], "stage": "score", "reason": one.row["reason"]}
            for one in scored
            if one.row["reason"]
        ],
        "notes": [{"clip": one.row["video"], "note": one.row["note"]} for one in usable if one.row["note"]],
        "parameters": yaml.safe_dump(dict(made_with), sort_keys=False, allow_unicode=True, width=120),
        "versions": [],
        "weights": weights,
    }
    media.remove_unused()
    with atomic(folder / "index.html") as temporary:
        temporary.write_text(fill_page(data, "yardstick/page.html"), encoding="utf-8")


def _summary(person: str, theirs: int, ours: int, made_with: Mapping[str, Any]) -> str:
    protocol, videos = made_with["protocol"], "1 video" if theirs == 1 else f"{theirs} videos"
    beside = f", with {ours} of this project's renders of the same dances beside them" if ours else ""
    return f"{videos} judged as {person}{beside}, by protocol {protocol['version']} ({protocol['digest']})."


def _row(one: Scored, media: Media) -> dict[str, Any]:
    """A video as the page shows it; in place of a variant stands its name."""
    name = str(one.row["video"])
    return {
        **one.row,
        "identity": one.row["person"],
        "clip": one.row["driving"],
        "variant": name,
        "who": one.row["person"],
        "typical": True,
        "video": media.add(one.path, "videos", *Path(name).parts),
        "seconds": one.seconds,
        "seams": one.seams,
    }


def _ours(root: Path, person: str, scored: Sequence[Scored], media: Media) -> list[dict[str, Any]]:
    """The project's renders of this person in the same dances that are in its table, without those that were scored here."""
    metrics, seconds = root / layout.ALL_SCORES, root / layout.ALL_SECONDS
    if not (metrics.is_file() and seconds.is_file()):
        return []
    dances, here = {one.driving.name for one in scored if one.driving}, {one.path.resolve() for one in scored}
    by_second: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in read_rows(seconds):
        by_second.setdefault(tuple(row[name] for name in _NAMES), []).append(_numbers(row))
    rows = []
    for row in read_rows(metrics):
        video = root / layout.RENDER.format(who=row["identity"], clip=row["clip"], variant=row["variant"])
        if row["identity"] != person or row["clip"] not in dances or not video.is_file() or video.resolve() in here:
            continue
        rows.append(
            {
                **_numbers(row),
                **{name: row[name] for name in _NAMES},
                "variant": f"ours: {row['variant']}",
                "who": person,
                "typical": False,
                "video": media.add(video, "ours", row["clip"], video.name),
                "seconds": by_second.get(tuple(row[name] for name in _NAMES), []),
                "seams": read_seams(video.with_suffix(".json")),
            }
        )
    return rows


def _numbers(row: Mapping[str, str]) -> dict[str, float | None]:
    values = {key: float(text) if text else math.nan for key, text in row.items() if key not in _NAMES}
    return {key: None if math.isnan(value) else value for key, value in values.items()}


def _people(root: Path, person: str, params: Params, media: Media) -> dict[str, Any]:
    """The person, or the members of a blend and the blend."""
    members = params.render.members(person)
    people: dict[str, Any] = {
        name: {
            "members": [name],
            "reference": media.add(root / layout.REFERENCE.format(identity=name), "faces", f"{name}.png"),
        }
        for name in members
    }
    return people | ({person: {"members": list(members), "made_of": "blend"}} if person not in people else {})
