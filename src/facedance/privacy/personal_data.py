"""What the project has made of a person: found by name, and in renders by who is seen in them.

A blend belongs to everybody who is in it, and so does a cast.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from facedance import layout
from facedance.config.cast import NO_PERSON, cast_of, is_cast
from facedance.files import read_json
from facedance.job import InputError
from facedance.places import Place, find, logs, made, names_in, outermost, stamps


@dataclass(frozen=True)
class Traces:
    """What was made of a person (files and whole folders, in the order to remove them), and blends and casts with that person."""

    made: tuple[Path, ...]
    blends: tuple[str, ...]
    casts: tuple[str, ...] = ()


def find_traces(root: Path, identity: str) -> Traces:
    """What belongs to `identity`, and what tells of several people and of this one too.

    Who is in a blend is known from params.yaml, renders and stamps. The order is such that a removal which was cut short can
    be started again: renders, then stamps, come last.

    Raises:
        InputError: params.yaml cannot be read.
    """
    rendered = {who for who, people in _shown(root).items() if identity in people} - {identity}
    own = [place.path for place in made(root) if _is_of(place, identity, rendered)]
    several = (*layout.OF_SEVERAL_PEOPLE, *(layout.OF_TRIGGER_WORDS if _may_have_a_trigger(root, identity) else ()))
    shared = [place.path for template in several for place in find(root, template)]
    casts = {who for who in rendered if is_cast(who)}  # the person's name is a part of theirs
    said = [word(name) for name in (identity, *casts)]
    shared += [path for path in logs(root) if _speaks(path, said)]
    shared += [path for path in stamps(root) if not {identity, *rendered}.isdisjoint(_told_by(path))]
    return Traces(outermost((*shared, *own)), tuple(sorted(rendered - casts)), tuple(sorted(casts)))


def photos_of(root: Path, identity: str) -> Path:
    """The folder of a person's photos."""
    return root / layout.folder(layout.PHOTO) / identity


def known_people(root: Path) -> set[str]:
    """Everybody who is in params.yaml, has photos, or of whom something was made. Raises InputError as `find_traces` does."""
    identities, _ = _declared(root)
    places = [*made(root), *find(root, layout.PHOTO.rpartition("/")[0])]
    of_one = {place.names["identity"] for place in places if "identity" in place.names}
    seen = {name for people in _shown(root).values() for name in people}
    return {*identities, *of_one, *seen}


def word(name: str) -> re.Pattern[str]:
    """Finds `name` in a text where it stands alone, ends a sentence or is a part of a path, and not within another name."""
    return re.compile(rf"(?<![A-Za-z0-9._-]){re.escape(name)}(?![A-Za-z0-9_-]|\.+(?!safetensors\b)[A-Za-z0-9_-])")


def _is_of(place: Place, identity: str, rendered: set[str]) -> bool:
    return place.names.get("identity") == identity or place.names.get("who") in rendered | {identity}


def _speaks(log: Path, words: Sequence[re.Pattern[str]]) -> bool:
    text = log.read_text(errors="replace")
    return any(word.search(text) for word in words)


def _may_have_a_trigger(root: Path, identity: str) -> bool:
    """Whether texts may hold the person's word: somebody who is in params.yaml no more may have had one."""
    people, _ = _declared(root)
    return identity not in people or bool((people[identity] or {}).get("trigger"))


def _declared(root: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Identities and blends of params.yaml, also when its other values are wrong: that must not be in the way of forgetting."""
    file = root / "params.yaml"
    try:
        values = yaml.safe_load(file.read_text()) if file.exists() else {}
    except yaml.YAMLError as error:
        raise InputError(f"params.yaml cannot be read, mend it first: {' '.join(str(error).split())}") from None
    render = _mapping(_mapping(values).get("render"))
    return _mapping(_mapping(values).get("identities")), _mapping(render.get("blends"))


def _mapping(value: Any) -> Mapping[str, Any]:
    """The value, or nothing where it is something else."""
    return value if isinstance(value, Mapping) else {}


def _members(blend: Any) -> set[str]:
    named = (_mapping(blend).get(key) for key in ("weights", "between"))
    return {str(name) for names in named if isinstance(names, (Mapping, list)) for name in names}


def _shown(root: Path) -> dict[str, set[str]]:
    """Who is seen in the renders of each person, blend and cast: in those asked for and in those that were made."""
    seen: dict[str, set[str]] = {}
    for blend, spec in _declared(root)[1].items():
        seen.setdefault(blend, set()).update(_members(spec))
    for place in _stamps_of_renders(root):
        content = _content(place.path)
        seen.setdefault(place.names["who"], set()).update(_consenting(content))
        for blend, spec in _blends(content).items():
            seen.setdefault(blend, set()).update(_members(spec))
    for sidecar in find(root, layout.RENDER_FACTS):
        seen.setdefault(sidecar.names["who"], set()).update(_content(sidecar.path).get("people", ()))
    for cast in {place.names["who"] for place in made(root) if is_cast(place.names.get("who", ""))}:
        people = (seen.get(who) or {who} for who in _cast(cast))
        seen.setdefault(cast, set()).update(*people)
    return seen


def _cast(name: str) -> list[str]:
    """The people and blends in a cast of this name, as far as it is one."""
    try:
        return [who for who in cast_of(name).values() if who not in NO_PERSON]
    except ValueError:
        return []


def _stamps_of_renders(root: Path) -> Iterator[Place]:
    rules = [rule for rule, job in layout.JOBS.items() if "who" in job]
    for template in (template for rule in rules for template in layout.stamps(rule)):
        yield from find(root, template)


def _told_by(stamp: Path) -> set[str]:
    """Everybody of whom a stamp tells: in its parameters, and in paths among its items and files."""
    content = _content(stamp)
    paths = [names_in(path) for path in (*content.get("items", ()), *content.get("files", ()))]
    named = {names[wildcard] for names in paths for wildcard in ("identity", "who") if wildcard in names}
    return named.union(_consenting(content), *map(_members, _blends(content).values()))


def _consenting(stamp: Mapping[str, Any]) -> Collection[str]:
    consent = stamp.get("params", {}).get("consent")
    return consent if isinstance(consent, dict) else ()  # of one person it is the sentence alone


def _blends(stamp: Mapping[str, Any]) -> Mapping[str, Any]:
    return stamp.get("params", {}).get("blends", {})


def _content(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one when the file is damaged."""
    try:
        return read_json(path)
    except ValueError:
        return {}
