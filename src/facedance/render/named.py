"""Renders that were asked for by name on the command line, and that no batch may list: they are scored and shown too."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from facedance import layout
from facedance.places import find, names_in

Render = tuple[str, str, str]
"""Person or blend, clip, variant."""


def renders_made_by_name(root: Path) -> list[Render]:
    """Those that are there in the project at `root`."""
    stamps = layout.of_job(layout.STAMPS[-1].format(stage="render"), "render_clip", ("{who}", "{clip}", "{variant}"), ".json")
    renders = [_render(place.names) for place in find(root, stamps)]
    return [(who, clip, variant) for who, clip, variant in renders if (root / path_of(who, clip, variant)).is_file()]


def renders_among(targets: Iterable[str]) -> list[Render]:
    """Those among the targets of a run."""
    videos = {target: names_in(target) for target in sorted(targets) if target.startswith(layout.folder(layout.RENDER))}
    return [_render(names) for path, names in videos.items() if "variant" in names and path.endswith(".mp4")]


def path_of(who: str, clip: str, variant: str) -> str:
    """Where a render is."""
    return layout.RENDER.format(who=who, clip=clip, variant=variant)


def _render(names: Mapping[str, str]) -> Render:
    return names["who"], names["clip"], names["variant"]
