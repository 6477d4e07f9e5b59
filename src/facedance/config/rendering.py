"""The section `render` of params.yaml: who is rendered in what, and how fast."""

import contextlib
import itertools
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from facedance.config.base import Fraction, Name, Section
from facedance.config.cast import NO_PERSON, cast_name, cast_of
from facedance.config.render_settings import RenderSettings, format_variant, parse_variant


class Blend(Section):
    """A face between several: by weights, or from one to another at t (a number, or moving over the clip)."""

    weights: dict[Name, Annotated[float, Field(gt=0)]] | None = Field(None, description="How much of each person it has.")
    between: tuple[Name, Name] | None = Field(None, description="The two people that it lies between.")
    t: Fraction | Literal["moving"] | None = Field(
        None, description="Where between them: 0 is the first, 1 the second; moving goes from the one to the other."
    )

    @model_validator(mode="after")
    def _one_form(self) -> "Blend":
        if (self.weights is None) == (self.between is None) or (self.between is None) != (self.t is None):
            raise ValueError("give either weights, or between and t")
        if self.weights is not None and len(self.weights) < 2:
            raise ValueError("weights need at least two identities")
        return self

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self.weights) if self.weights else self.between or ()


class Batch(Section):
    """Renders made by default, in every clip of the videos that match and in every variant: of every `who`, or of the `cast`."""

    who: tuple[Name, ...] | None = Field(
        None, min_length=1, description="People and blends: each is everybody in a video of their own. Or give a cast."
    )
    cast: dict[Annotated[int, Field(ge=1, le=99)], Name] | None = Field(
        None,
        min_length=1,
        description="Who each of several dancers becomes, by number (1 is the one on the left), as in {1: ann, 2: ben}: a "
        "person, a blend, `model` (as the model makes them, like those who are not named) or `nobody` (not shown).",
    )
    videos: tuple[str, ...] = Field(min_length=1, description="Patterns of the names of videos.")
    variants: tuple[str, ...] = Field(
        ("default",), description="Settings that differ from `render.settings`, as in face_scale~1.2_seed~7."
    )
    sweep: dict[str, tuple[float | int | bool | str, ...]] = Field(
        {}, description="Settings with several values each: every combination is one more variant."
    )

    @model_validator(mode="after")
    def _who_or_cast(self) -> "Batch":
        if (self.who is None) == (self.cast is None):
            raise ValueError("give either who, a list of people and blends, or cast, as in {1: ann, 2: ben}")
        if self.cast is not None:
            if not {*self.cast.values()} - {*NO_PERSON}:
                raise ValueError("cast: name a person or blend for one dancer at least")
            cast_name(self.cast)
        return self

    @property
    def rendered(self) -> tuple[str, ...]:
        """The names under which it is rendered: people and blends, or that of the cast."""
        return (self.who or ()) if self.cast is None else (cast_name(self.cast),)

    @property
    def named(self) -> tuple[str, ...]:
        """The people and blends that it names."""
        return self.who or tuple(who for who in (self.cast or {}).values() if who not in NO_PERSON)

    def all_variants(self) -> tuple[str, ...]:
        """The listed variants and the product of the sweep, in canonical form and without repeats."""
        listed = [format_variant(parse_variant(v)) for v in self.variants]
        swept = [format_variant(dict(zip(self.sweep, values, strict=True))) for values in itertools.product(*self.sweep.values())]
        return tuple(dict.fromkeys(listed + (swept if self.sweep else [])))


class ForeignLora(Section):
    """A LoRA file of another program, put on the base model for every render: here already, or in a repository of the hub."""

    file: str = Field(pattern=r"\.safetensors$", description="Its path here, or its name in the repository.")
    repo: str | None = Field(None, description="Repository of the hub, for one that is not here.")
    revision: str | None = Field(None, description="Commit, tag or branch of the repository.")
    scale: float = Field(gt=0, le=4, description="Its strength.")

    @model_validator(mode="after")
    def _pinned(self) -> "ForeignLora":
        if (self.repo is None) != (self.revision is None):
            raise ValueError("give repo and revision together, or neither for a file that is here")
        return self


class RenderMemory(Section):
    """What rendering does to get along with less GPU memory; float8 and tiles change the pictures a little."""

    weights: Literal["resident", "float8", "offloaded"] = Field(
        "resident", description="Where the transformer's blocks are kept: on the GPU, there in one byte a number, or beside it."
    )
    tiled_decoding: bool = Field(False, description="Whether pictures of more than 256 pixels are decoded in tiles that overlap.")


class RenderSpeed(Section):
    """What rendering may do to be faster; the pictures change by rounding, with sage a little more."""

    batched_guidance: bool = Field(
        False, description="Whether the passes of guidance are computed in one batch, which needs more memory."
    )
    streamed: bool = Field(
        False, description="Whether offloaded blocks (render.memory.weights) are fetched while the one before is at work."
    )
    compiled: bool = Field(False, description="Whether the blocks are compiled: minutes for each job, then faster steps.")
    attention: Literal["native", "flash", "flash3", "sage", "flash_hub", "flash3_hub", "sage_hub"] = Field(
        "native",
        description="Torch's own attention, or that of flash-attn, flash_attn_interface (Hopper) or sageattention, installed "
        "here or from the hub (by the package `kernels`).",
    )


class Render(Section):
    """What is rendered, and how."""

    settings: RenderSettings = RenderSettings()
    memory: RenderMemory = RenderMemory()
    speed: RenderSpeed = RenderSpeed()
    loras: dict[Name, ForeignLora] = Field({}, description="LoRAs of others beside the person's, by names of your choice.")
    blends: dict[Name, Blend] = Field({}, description="Faces between several people, by names of your choice.")
    batches: tuple[Batch, ...] = Field(min_length=1, description="Who is rendered in which videos.")

    @property
    def rendered(self) -> tuple[str, ...]:
        """Everybody whom a batch asks for: people, blends and casts."""
        return tuple(dict.fromkeys(name for batch in self.batches for name in batch.rendered))

    @property
    def casts(self) -> tuple[str, ...]:
        """The names of the batches' casts."""
        return tuple(dict.fromkeys(name for batch in self.batches if batch.cast for name in batch.rendered))

    def settings_of(self, variants: Iterable[str]) -> list[RenderSettings]:
        """The settings with each variant's changes; none of what is no variant: whoever renders it says so."""
        varied = []
        for variant in variants:
            with contextlib.suppress(ValueError):
                varied.append(self.settings.varied(variant))
        return varied

    def shown(self, who: str) -> dict[str, Blend | None]:
        """The people and blends in renders of this name, a cast's by its dancers, each once; with the blends.

        Raises:
            ValueError: it looks like the name of a cast and is none.
        """
        names: Iterable[str] = cast_of(who).values() or [who]
        return {name: self.blends.get(name) for name in names if name not in NO_PERSON}

    def members(self, who: str) -> tuple[str, ...]:
        """The people whose faces are in renders of this name, each once. Raises as `shown` does."""
        members = (blend.members if blend else (name,) for name, blend in self.shown(who).items())
        return tuple(dict.fromkeys(itertools.chain.from_iterable(members)))
