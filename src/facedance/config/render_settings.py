"""How one video is rendered, and the names of renders: a variant says what it changes, as in `face_scale~1.2_seed~7`.

`parse_variant` and `format_variant` are inverses: a name says exactly its values, and equal values have one name.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from facedance.config.base import Name, Section

LONGEST_VARIANT = 150
"""Characters of a variant's name: file systems end at 255, and temporary files and logs add some."""


HeadJoints = Literal["full", "weak", "none"]
"""How the joints of the head, and the limbs that lead to them, are drawn."""


def _is_continued(frames: int) -> int:
    if frames and frames % 4 != 1:
        raise ValueError(
            f"{frames} is neither 0 nor of the form 4n+1; nearest are {frames // 4 * 4 + 1} and {frames // 4 * 4 + 5}"
        )
    return frames


class Seeds(Section):
    """With how many seeds a video is made, and which of them is kept; a number alone, as in seeds~4, is how many."""

    model_config = ConfigDict(serialize_by_alias=True)

    tries: int = Field(1, alias="try", ge=1, le=100, description="So many, from `seed` on; each takes the time of a render.")
    keep: Literal["best"] = Field("best", description="best: the one that is most like the person, by the judges' rule.")

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_how_many(cls, values: Any) -> Any:
        return values if values is None or isinstance(values, Mapping | Seeds) else {"try": values}


class RenderSettings(Section):
    """How one video is rendered; a variant overrides any of these."""

    prompt: Name = Field("dance", description="What the video shows: a name under `prompts`.")
    negative_prompt: Name = Field("none", description="What it shall not show: a name under `prompts`.")
    steps: int = Field(50, ge=1, le=200, description="Denoising steps; more take longer and are finer.")
    flow_shift: float = Field(
        3.0,
        gt=0,
        le=20,
        description="How long rendering stays at strong noise; few steps want 3 to 5 (training has train.noise_shift).",
    )
    guidance_scale: float = Field(
        5.0, ge=1, le=30, description="How strongly text and face are followed; 1: no guidance, and faster."
    )
    face_guidance: Annotated[
        Annotated[float, Field(ge=0, le=30)] | None, BeforeValidator(lambda value: None if value == "none" else value)
    ] = Field(
        None, description="The same for the face apart from the text, a third pass in each step; none: guidance_scale for both."
    )
    face_scale: float = Field(1.0, ge=0, le=5, description="Strength of the face branch; 0: the photos' face is not used.")
    lora_scale: float = Field(1.0, ge=0, le=5, description="Strength of the person's LoRA.")
    control_scale: float = Field(1.0, ge=0, le=2, description="Strength of the skeleton.")
    reference: bool = Field(True, description="Whether the best photo's head goes along as a picture.")
    cache_interval: int = Field(1, ge=1, le=20, description="One of so many steps is computed, others extrapolated; 1: all are.")
    overlap: Annotated[int, Field(ge=0, le=253), AfterValidator(_is_continued)] = Field(
        5, description="Frames that a window of a long video goes on from, one more than a multiple of four; 0: it is cut."
    )
    fade: int = Field(
        4, ge=0, le=64, multiple_of=4, description="Frames after these that both windows make, the one fading into the other."
    )
    anchor: bool = Field(
        False, description="Whether the first frame, made before as a picture, goes along with all windows of a long video."
    )
    hold_colors: bool = Field(False, description="Whether the later windows of a long video get the colours of the first.")
    close_up: float = Field(
        0.0, ge=0, le=1, description="How far each head is made once more, enlarged: from this noise level on; 0: it is not."
    )
    enlarge: int = Field(
        1,
        ge=1,
        le=4,
        description="How many times as large as the model makes it the video is; heads of close-ups keep their detail.",
    )
    proportions: Literal["dancer", "person"] = Field(
        "dancer", description="Whose limbs, trunk and head the skeleton has: the dancer's, or the person's, as photos show them."
    )
    head_joints: HeadJoints = Field(
        "full",
        description="How nose, eyes and ears are drawn in the skeleton: as all joints, at half their light, or not at all.",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Another number draws other noise.")
    seeds: Seeds = Seeds()

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

    @property
    def takes(self) -> tuple["RenderSettings", ...]:
        """These settings with each of the seeds that are tried, one in each."""
        if self.seeds.tries == 1:
            return (self,)
        seeds = range(self.seed, self.seed + self.seeds.tries)
        return tuple(self.model_copy(update={"seed": seed, "seeds": Seeds()}) for seed in seeds)

    def varied(self, variant: str) -> "RenderSettings":
        """These settings with the variant's changes.

        Raises:
            ValueError: as `parse_variant` does, or the changes do not go with the other settings.
        """
        try:
            return RenderSettings.model_validate({**self.model_dump(), **parse_variant(variant)})
        except ValidationError as error:
            raise ValueError(f"variant {variant!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


# A value may hold `_` and the words of settings, but no `~`: a setting begins where its name stands before one.
_SETTING = re.compile(rf"_({'|'.join(RenderSettings.model_fields)})~")


def parse_variant(variant: str) -> dict[str, Any]:
    """The typed changes that a variant's name stands for; `default` changes nothing.

    Raises:
        ValueError: a malformed name, an unknown key, one that is given twice, or a value out of range.
    """
    if variant == "default":
        return {}
    where = f"variant {variant!r}"
    before, *parts = _SETTING.split(f"_{variant}")
    keys, texts = parts[::2], parts[1::2]
    if "~" in before:
        raise _unknown(where, before.partition("~")[0].lstrip("_"))
    for stray in (text.partition("~")[0] for text in texts if "~" in text):
        raise _unknown(where, stray.rpartition("_")[2])
    if before or not all(texts) or not keys:
        raise ValueError(f"{where} is not 'default' or key~value pairs joined by '_', as in face_scale~1.2_seed~7")
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"{where}: {min(twice)} is given twice")
    return {key: _typed(where, key, text) for key, text in zip(keys, texts, strict=True)}


def format_variant(changes: dict[str, Any]) -> str:
    """The one name of a set of changes: keys in the order of the settings, values as short as they can be exactly.

    Raises:
        ValueError: an unknown key, a value out of range, or a name that is too long for a file.
    """
    typed = {key: _typed("settings", key, value) for key, value in changes.items()}
    name = "_".join(f"{key}~{_text(typed[key])}" for key in RenderSettings.model_fields if key in typed) or "default"
    if len(name) > LONGEST_VARIANT:
        raise ValueError(f"variant {name!r} is longer than {LONGEST_VARIANT} characters: shorten the prompts' names")
    return name


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case float():
            return repr(value + 0.0).removesuffix(".0")  # + 0.0 makes -0.0 the same as 0.0
        case Seeds():
            return str(value.tries)
        case _:
            return str(value)


def _typed(where: str, key: str, value: Any) -> Any:
    if key not in RenderSettings.model_fields:
        raise _unknown(where, key)
    try:
        return getattr(RenderSettings.model_validate({key: value}), key)
    except ValidationError as error:
        raise ValueError(f"{where}: {key}: {error.errors()[0]['msg']} (given: {value})") from None


def _unknown(where: str, key: str) -> ValueError:
    close = difflib.get_close_matches(key, list(RenderSettings.model_fields), n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return ValueError(f"{where}: unknown setting {key!r}{meant}; known are {', '.join(RenderSettings.model_fields)}")
