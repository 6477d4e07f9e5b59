"""Pruning: what was made of people, videos and shards that the project has no more.

Renders stay as long as their person (or blend, or cast) and their clip do, also those that were asked for by name alone.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from facedance.files import remove
from facedance.names import CONTROL_PREFIX, video_of_clip
from facedance.places import made, outermost


@dataclass(frozen=True)
class Wanted:
    """What a project has now; `rendered` are people, blends and casts, videos and ready-made controls go by their safe names."""

    people: Collection[str]
    rendered: Collection[str]
    videos: Collection[str]
    controls: Collection[str]
    shards: Collection[str]
    parts: Collection[str]  # of the portraits

    def has(self, names: Mapping[str, str]) -> bool:
        """Whether all these names (by their wildcards in `facedance.layout`) are those of something that is still here."""
        known = {"identity": self.people, "who": self.rendered, "video": self.videos}
        known |= {"shard": self.shards, "part": self.parts}
        gone = any(names[wildcard] not in there for wildcard, there in known.items() if wildcard in names)
        return not gone and self._has_clip(names.get("clip"))

    def _has_clip(self, clip: str | None) -> bool:
        if clip is None or clip.startswith(CONTROL_PREFIX):
            return clip is None or clip in self.controls
        return not re.fullmatch(r".+_\d{3}", clip) or video_of_clip(clip) in self.videos


def prune(root: Path, wanted: Wanted) -> tuple[Path, ...]:
    """Remove what is left over in the project at `root`; what was removed."""
    left_over = outermost(place.path for place in made(root) if not wanted.has(place.names))
    for path in left_over:
        remove(path)
    return left_over
