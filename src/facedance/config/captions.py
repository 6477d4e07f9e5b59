"""What is said of a photo, by how much of the person it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import Field

from facedance.config.base import Name, Section

Shown = Literal["face", "half", "whole"]
"""Of a person: head and shoulders, down to the hips, or down to the feet."""


def shown_in(portrait: str) -> Shown:
    """What a portrait shows, from its name in the latents, as in `IMG_1.jpg.half`."""
    (shown,) = (shown for shown in get_args(Shown) if portrait.endswith(f".{shown}"))
    return shown


def photo_of(portrait: str) -> str:
    """The name of the photo that a portrait was cut from."""
    return portrait.removesuffix(f".{shown_in(portrait)}")


class Captions(Section):
    """Names of the prompts that go with photos, by how much of the person they show; none: train.prompt does."""

    face: Name | None = Field(None, description="Head and shoulders.")
    half: Name | None = Field(None, description="Down to the hips.")
    whole: Name | None = Field(None, description="Down to the feet.")


@dataclass(frozen=True)
class TrainingTexts:
    """What is said of the clips, of the person in a dance (in the previews), of a photo, and of others' faces."""

    clips: str
    dance: str
    photos: Mapping[Shown, str]
    others: str

    def learned(self, clips: bool) -> dict[str, Any]:
        """What a training learns with, as plain values. `clips`: whether it learns from clips."""
        return {**({"clips": self.clips} if clips else {}), "photos": {**self.photos}, "others": self.others}

    @classmethod
    def one(cls, text: str) -> "TrainingTexts":
        """The same text for everything."""
        return cls(text, text, dict.fromkeys(get_args(Shown), text), text)
