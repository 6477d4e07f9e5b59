"""lab/params.yaml, checked."""

from pathlib import Path

from pydantic import Field

from facedance.config.base import Section
from facedance.config.reading import read_yaml
from lab.tiny.recipe import Tiny


class Extent(Section):
    """How much the identity benchmark renders."""

    people: int = Field(ge=2, le=16)
    seeds: int = Field(ge=1, description="each is another dance, dancer and noise")
    lora_steps: int = Field(ge=1, description="of training on the photos of each person")


class Lab(Section):
    """The whole of lab/params.yaml."""

    identity: Extent
    tiny: Tiny


def load(path: Path) -> Lab:
    """Read and check a lab/params.yaml. Raises pydantic's ValidationError, a ValueError."""
    return Lab.model_validate(read_yaml(path))
