"""Names of renders: a variant says what it changes in the default settings, as in `face_scale~1.2_seed~7`."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_PART = re.compile(r"(?P<key>[a-z][a-z_]*[a-z])~(?P<value>[A-Za-z0-9.-]+)(?:_|$)")


class RenderSettings(BaseModel):
    """How one video is rendered; a variant overrides any of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(description="name of an entry of `prompts`")
    negative_prompt: str = Field(description="name of an entry of `prompts`")
    steps: Annotated[int, Field(ge=1, le=200)]
    guidance_scale: Annotated[float, Field(ge=1, le=30)]
    face_scale: Annotated[float, Field(ge=0, le=5)]
    lora_scale: Annotated[float, Field(ge=0, le=5)]
    control_scale: Annotated[float, Field(ge=0, le=2)]
    reference: bool
    seed: Annotated[int, Field(ge=0, lt=2**63)]

    def varied(self, variant: str) -> "RenderSettings":
        """These settings with the variant's changes. Raises ValueError as `parse_variant` does."""
        return RenderSettings.model_validate({**self.model_dump(), **parse_variant(variant)})


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
        "prompt": "x", "negative_prompt": "x", "steps": 1, "guidance_scale": 1, "face_scale": 0,
        "lora_scale": 0, "control_scale": 0, "reference": False, "seed": 0,
    }  # fmt: skip
    try:
        return getattr(RenderSettings.model_validate({**complete, key: value}), key)
    except ValidationError as error:
        raise ValueError(f"variant {variant!r}: {key}: {error.errors()[0]['msg']} (given: {value})") from None
