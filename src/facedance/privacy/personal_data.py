"""What the project has made of a person: found by name, and in renders by who is seen in them.

The places are those of docs/architecture.md. A blend belongs to everybody who is in it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from facedance.files import TEMPORARY, read_json
from facedance.job import InputError

_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
_SHARD = r"\.(\d{4}|control)"
_CLIP_AND_VARIANT = r"\.[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z][A-Za-z0-9._~-]*"
PEOPLE_RULES = {
    **dict.fromkeys(("make_sample_photos", "embed_faces", "encode_photos", "train_adapter"), re.compile(_NAME)),
    "export_lora": re.compile(_NAME + r"\.[a-z]+"),
}
"""Rules with a job for each person: how their stamps, logs and benchmarks are called."""
RENDER_RULES = {
    "score_renders": re.compile(_NAME + _SHARD),
    "render_shard": re.compile(_NAME + _SHARD),
    "render_clip": re.compile(_NAME + _CLIP_AND_VARIANT),
}
"""The same of rules with jobs for each person or blend."""

STAMPS = ("results/*/stamps", "data/stamps", "models/stamps")
"""Where stamps lie."""

_NOT_NAMES = {"stamps", "manifests"}


@dataclass(frozen=True)
class Traces:
    """What was made of a person (files and whole folders, in the order to remove them), and the blends with that person."""

    made: tuple[Path, ...]
    blends: tuple[str, ...]


def find_traces(root: Path, identity: str) -> Traces:
    """What belongs to `identity`, and what tells of several people and of this one too.

    Who is in a blend is known from params.yaml, renders and stamps. The order is such that a removal which was cut short can
    be started again: renders, then their stamps, come last.

    Raises:
        InputError: params.yaml cannot be read.
    """
    blends = {who for who, people in _shown(root).items() if identity in people} - {identity}
    own = [path for name, path in of_people(root) if name == identity]
    own += [path for name, path in of_renders(root) if name in blends | {identity}]
    shared = [*root.glob("results/report"), *root.glob("results/evaluate/*metrics.*")]
    texts = (*root.glob("logs/**/*.log"), *_stamps(root))
    shared += [path for path in texts if path not in own and _says(path, identity)]
    whole = {*shared, *own}
    made = tuple(path for path in (*shared, *own) if whole.isdisjoint(path.parents))
    return Traces(made, tuple(sorted(blends)))


def known_people(root: Path) -> set[str]:
    """Everybody who is in params.yaml, has photos, or of whom something was made. Raises InputError as `find_traces` does."""
    identities, _ = _declared(root)
    made = {name for name, _ in of_people(root)}
    seen = {name for people in _shown(root).values() for name in people}
    return {*identities, *made, *seen, *(name for name, _ in _named(root / "data/photos"))}


def word(name: str) -> re.Pattern[str]:
    """Finds `name` in a text where it stands alone, ends a sentence or is a part of a path, and not within another name."""
    return re.compile(rf"(?<![A-Za-z0-9._-]){re.escape(name)}(?![A-Za-z0-9_-]|\.+(?!safetensors\b)[A-Za-z0-9_-])")


def _declared(root: Path) -> tuple[set[str], Mapping[str, Any]]:
    """Identities and blends of params.yaml, also when its other values are wrong: that must not be in the way of forgetting."""
    file = root / "params.yaml"
    try:
        values = yaml.safe_load(file.read_text()) if file.exists() else {}
    except yaml.YAMLError as error:
        raise InputError(f"params.yaml cannot be read, mend it first: {' '.join(str(error).split())}") from None
    return set(values.get("identities") or ()), (values.get("render") or {}).get("blends") or {}


def _members(blend: Mapping[str, Any]) -> set[str]:
    return {*(blend.get("weights") or ()), *(blend.get("between") or ())}


def _shown(root: Path) -> dict[str, set[str]]:
    """Who is seen in the renders of each person and blend: in those asked for and in those that were made."""
    seen: dict[str, set[str]] = {}
    for blend, spec in _declared(root)[1].items():
        seen.setdefault(blend, set()).update(_members(spec))
    for name, path in _of_stamps(root, RENDER_RULES):
        params = _content(path).get("params", {})
        seen.setdefault(name, set()).update(params.get("consent", ()))
        for blend, spec in params.get("blends", {}).items():
            seen.setdefault(blend, set()).update(_members(spec))
    for sidecar in root.glob("results/render/*/*/*.json"):
        seen.setdefault(sidecar.parts[-3], set()).update(_content(sidecar).get("people", ()))
    return seen


def of_people(root: Path) -> Iterator[tuple[str, Path]]:
    """What holds one person each, with that person's name."""
    for folder in ("results/faces", "results/train", ".cache/training"):
        yield from _named(root / folder)
    for path in root.glob("results/latents/photos/*.safetensors"):
        yield _stem(path), path
    yield from _of_jobs(root, PEOPLE_RULES)


def of_renders(root: Path) -> Iterator[tuple[str, Path]]:
    """What holds renders of one person or blend each, or what was seen in them, with its name; what tells who it is last."""
    for folder in ("results/evaluate/shards", "results/render/manifests", "results/render/.items", "results/render"):
        yield from _named(root / folder)
    yield from _of_jobs(root, RENDER_RULES)


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*")):
        if re.fullmatch(_NAME, path.name) and path.name not in _NOT_NAMES:
            yield path.name, path


def _of_jobs(root: Path, rules: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[str, Path]]:
    """Logs, benchmarks and stamps of the jobs of `rules`, with the name of the person or blend that each job is for."""
    for path in (*root.glob("logs/*/*.log"), *root.glob("logs/*/*.tsv")):
        if (rule := path.parent.name) in rules and (match := rules[rule].fullmatch(_stem(path))):
            yield match["name"], path
    yield from _of_stamps(root, rules)


def _of_stamps(root: Path, rules: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[str, Path]]:
    for path in _stamps(root):
        rule, _, job = _stem(path).partition(".")
        if rule in rules and (match := rules[rule].fullmatch(job)):
            yield match["name"], path


def _stamps(root: Path) -> Iterator[Path]:
    for pattern in STAMPS:
        yield from root.glob(f"{pattern}/*.json")


def _stem(path: Path) -> str:
    match = TEMPORARY.fullmatch(path.stem)
    return match["stem"] if match else path.stem


def _content(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one when the file is damaged."""
    try:
        return read_json(path)
    except ValueError:
        return {}


def _says(path: Path, name: str) -> bool:
    return word(name).search(path.read_text(errors="replace")) is not None
