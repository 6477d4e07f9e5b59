"""The section `marks` of params.yaml: what tells that a render is made by AI."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from facedance.config.base import Section


class Label(Section):
    """A label that everybody can see."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] = Field(
        "AI", description="What it says."
    )
    place: Literal["top right", "top left", "bottom right", "bottom left"] = Field(
        "top right", description="The corner that it stands in."
    )
    size: float = Field(0.06, ge=0.02, le=0.5, description="Its height, as a share of the picture's shorter side.")
    seconds: float | None = Field(None, gt=0, description="How long it is shown, from the first frame on; none: all the time.")


class Marks(Section):
    """What tells that a render is made by AI: for programs, in its pixels, and for whoever looks at it."""

    credentials: bool = Field(True, description="Whether renders carry signed C2PA metadata.")
    watermark: bool = Field(True, description="Whether renders carry a watermark in their pixels that nobody sees.")
    label: Label | None = Field(None, description="A label in the picture, {} for one as below; none: there is none.")
