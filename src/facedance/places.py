"""What lies in a project and whose it is, read off the paths by the templates of `facedance.layout`."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from facedance import layout
from facedance.files import TEMPORARY


@dataclass(frozen=True)
class Place:
    """A file or folder, and the names in its path by their wildcards."""

    path: Path
    names: Mapping[str, str]


def find(root: Path, template: str) -> Iterator[Place]:
    """What lies where the template says in the project at `root`, half-written files included."""
    *folders, _ = template.split("/")
    pattern = "/".join(["*" if "{" in part else part for part in folders] + ["*"])
    for path in sorted(root.glob(pattern)):
        if match := _expression(template).fullmatch(_finished(path.relative_to(root)).as_posix()):
            yield Place(path, match.groupdict())


def made(root: Path) -> Iterator[Place]:
    """All that was made for people, clips and the like: the folder of each of them, then what in it is for others in turn.

    What the user brings is not among it. Renders and stamps come last, because they tell who is in a render.
    """
    for template in _OWNED:
        yield from find(root, template)


def stamps(root: Path) -> Iterator[Path]:
    """All stamps, those of rules that are no more included."""
    for folder in layout.STAMPS:
        for place in find(root, folder):
            yield from _files(place.path, "*.json")


def logs(root: Path) -> Iterator[Path]:
    """All logs, those of rules that are no more included."""
    yield from _files(root / "logs", "*.log")


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    yield from (path for path in folder.rglob(pattern) if path.is_file())  # a folder may be called after somebody named so


def names_in(path: str) -> Mapping[str, str]:
    """The names in a path by their wildcards; none when no template gives it."""
    matches = (_expression(template).fullmatch(path) for template in layout.TEMPLATES.values())
    return next((match.groupdict() for match in matches if match), {})


def outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of the paths that lie in no other of them, each once and in their order."""
    unique = dict.fromkeys(paths)
    return tuple(path for path in unique if unique.keys().isdisjoint(path.parents))


def _owned(template: str) -> Iterator[str]:
    """The beginnings of a template that end with somebody's name: `results/faces/{identity}` of EMBEDDING."""
    parts = template.split("/")
    for end, part in enumerate(parts, 1):
        if any(f"{{{wildcard}}}" in part for wildcard in layout.WILDCARDS):
            yield "/".join(parts[:end])


_MADE = [template for template in layout.TEMPLATES.values() if not template.startswith("data/")]
_OF_JOBS = [template for rule in layout.JOBS for template in (layout.log(rule), layout.timing(rule), *layout.stamps(rule))]
_OWNED = sorted(
    dict.fromkeys(beginning for template in (*_MADE, *_OF_JOBS) for beginning in _owned(template)),
    key=lambda template: ("/.stamps/" in template, template.startswith("results/render/{who}")),
)


@functools.cache
def _expression(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    for i, part in enumerate(parts):
        parts[i] = f"(?P<{part}>{layout.WILDCARDS.get(part, '[^/]+')})" if i % 2 else re.escape(part)
    return re.compile("".join(parts))


def _finished(path: PurePath) -> PurePath:
    """The path that a half-written file was to get."""
    match = TEMPORARY.fullmatch(path.stem)
    return path.with_name(match["stem"] + path.suffix) if match else path
