"""Names of renders: a variant says what it changes in the default settings, as in `face_scale~1.2_seed~7`."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Steps = Annotated[int, Field(ge=1, le=200)]
Guidance = Annotated[float, Field(ge=1, le=30)]

_PART = re.compile(r"(?P<key>[a-z][a-z_]*[a-z])~(?P<value>[A-Za-z0-9.-]+)(?:_|$)")


class RenderSettings(BaseModel):
    """How one video is rendered; a variant overrides any of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(description="name of an entry of `prompts`")
    negative_prompt: str = Field(description="name of an entry of `prompts`")
    steps: Steps
    guidance_scale: Guidance
    face_guidance: Annotated[float, Field(ge=0, le=30)] | None = Field(
        default=None,
        description="guidance for the face, a third forward pass in each step; null: guidance_scale for text and face",
    )
    face_scale: Annotated[float, Field(ge=0, le=5)]
    lora_scale: Annotated[float, Field(ge=0, le=5)]
    control_scale: Annotated[float, Field(ge=0, le=2)]
    reference: bool
    cache_interval: Annotated[int, Field(ge=1, le=20, description="of so many steps one is computed; 1: all are")] = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)]

    @model_validator(mode="after")
    def _face_is_guided_with_text(self) -> "RenderSettings":
        if self.face_guidance is not None and self.guidance_scale <= 1:
            raise ValueError(
                f"face_guidance {self.face_guidance:g} needs a guidance_scale above 1, as 1 switches guidance off; "
                f"given is {self.guidance_scale:g}"
            )
        return self

    @property
    def face_gain(self) -> float:
        """What the face's effect on the prediction with text is multiplied by, so that guidance makes it face_guidance."""
        return 1.0 if self.face_guidance is None else self.face_guidance / self.guidance_scale

    def varied(self, variant: str) -> "RenderSettings":
        """These settings with the variant's changes.

        Raises:
            ValueError: as `parse_variant` does, or the changes do not go with the other settings.
        """
        try:
            return RenderSettings.model_validate({**self.model_dump(), **parse_variant(variant)})
        except ValidationError as error:
            raise ValueError(f"variant {variant!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def parse_variant(variant: str) -> dict[str, Any]:
    """The typed changes that a variant's name stands for; `default` changes nothing.

    Raises:
        ValueError: a malformed name, an unknown key or a value out of range.
    """
    if variant == "default":
        return {}
    parts = list(_PART.finditer(variant))
    if "".join(p.group(0) for p in parts) != variant or variant.endswith("_"):
        raise ValueError(f"variant {variant!r} is not 'default' or key~value pairs joined by '_', as in face_scale~1.2_seed~7")
    changes: dict[str, Any] = {}
    for part in parts:
        key, value = part["key"], part["value"]
        if key not in RenderSettings.model_fields:
            raise ValueError(f"variant {variant!r}: unknown setting {key!r}; known are {', '.join(RenderSettings.model_fields)}")
        changes[key] = _typed(variant, key, value)
    return changes


def format_variant(changes: dict[str, Any]) -> str:
    """The canonical name of a set of changes: keys in the order of the settings."""
    names = [f"{key}~{_text(changes[key])}" for key in RenderSettings.model_fields if key in changes]
    if unknown := set(changes) - set(RenderSettings.model_fields):
        raise ValueError(f"unknown settings {sorted(unknown)}; known are {', '.join(RenderSettings.model_fields)}")
    return "_".join(names) or "default"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _typed(variant: str, key: str, value: str) -> Any:
    complete = {
        "prompt": "x", "negative_prompt": "x", "steps": 1, "guidance_scale": 2, "face_scale": 0,
        "lora_scale": 0, "control_scale": 0, "reference": False, "seed": 0,
    }  # fmt: skip
    try:
        return getattr(RenderSettings.model_validate({**complete, key: value}), key)
    except ValidationError as error:
        raise ValueError(f"variant {variant!r}: {key}: {error.errors()[0]['msg']} (given: {value})") from None
