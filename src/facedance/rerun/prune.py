"""Pruning: what was made of people, videos and shards that the project has no more.

Renders stay as long as their person (or blend) and their clip do, also those that were asked for by name alone.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from facedance.files import remove
from facedance.names import CONTROL_PREFIX, CONTROL_SHARD
from facedance.privacy.personal_data import STAMPS, of_people, of_renders

_CLIP_FOLDERS = (
    "results/clips",
    "results/poses",
    "results/poses/.items",
    "results/dancers",
    "results/dancers/.items",
    "results/latents/clips",
    "results/latents/clips/.items",
    "results/render/*",
    "results/render/.items/*",
    "results/evaluate/shards/*/observations",
    "results/evaluate/shards/*/observations/.items",
)
"""Where files and folders begin with the name of a clip."""

_SHARD_FOLDERS = (
    "results/clips/shards",
    "results/poses/shards",
    "results/poses/landmarks",
    "results/dancers/boxes",
    "results/dancers/embeddings",
    "results/latents/shards",
    "results/render/manifests/*",
    "results/evaluate/shards/*",
)
"""Where files carry the number of a shard."""

_CLIP = re.compile(r"(?P<video>.+)_\d{3}")
_SHARD = re.compile(rf"\d{{4}}|{CONTROL_SHARD}")


@dataclass(frozen=True)
class Wanted:
    """What a project has now; `rendered` are people and blends, videos and ready-made controls go by their safe names."""

    people: Collection[str]
    rendered: Collection[str]
    videos: Collection[str]
    controls: Collection[str]
    shards: Collection[str]


def prune(root: Path, wanted: Wanted) -> list[Path]:
    """Remove what is left over in the project at `root`; what was removed."""
    found = sorted({*_of_others(root, wanted), *_of_lost_videos(root, wanted), *_of_lost_shards(root, wanted)})
    for path in found:
        remove(path)
    return found


def _of_others(root: Path, wanted: Wanted) -> Iterator[Path]:
    yield from (path for name, path in of_people(root) if name not in wanted.people)
    yield from (path for name, path in of_renders(root) if name not in wanted.rendered)


def _of_lost_videos(root: Path, wanted: Wanted) -> Iterator[Path]:
    for path in (path for folder in _CLIP_FOLDERS for path in root.glob(f"{folder}/*")):
        clip = path.name.partition(".")[0]
        if clip.startswith(CONTROL_PREFIX):
            if clip not in wanted.controls:
                yield path
        elif (match := _CLIP.fullmatch(clip)) and match["video"] not in wanted.videos:
            yield path
    yield from (path for path in root.glob("results/clips/.items/*.json") if path.stem not in wanted.videos)


def _of_lost_shards(root: Path, wanted: Wanted) -> Iterator[Path]:
    for path in (path for folder in (*_SHARD_FOLDERS, *STAMPS) for path in root.glob(f"{folder}/*")):
        shard = path.stem.rpartition(".")[2]  # stamps: <rule>.<shard>, or <rule>.<person>.<shard>
        if _SHARD.fullmatch(shard) and path.is_file() and shard not in wanted.shards:
            yield path
