"""Parts of videos, where the user says that only some of a video counts."""

import math
from collections.abc import Mapping

from pydantic import Field, model_validator

from facedance.config.base import Section
from facedance.config.patterns import matches


class Part(Section):
    """A part of a video, in seconds from its beginning."""

    start: float = Field(0.0, ge=0, description="Where it begins.")
    end: float | None = Field(None, gt=0, description="Where it ends; none: where the video does.")

    @model_validator(mode="after")
    def _has_length(self) -> "Part":
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end:g}) must be later than start ({self.start:g})")
        return self


def part_of(video: str, parts: Mapping[str, Part]) -> tuple[float, float]:
    """From where to where, in seconds, a video of this name is used: the first name or pattern that matches counts."""
    for pattern, part in parts.items():
        if matches(video, [pattern]):
            return part.start, math.inf if part.end is None else part.end
    return 0.0, math.inf
