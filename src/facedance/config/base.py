"""What all sections of params.yaml share: they are frozen, refuse unknown keys, and say what each value does."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}$", max_length=64)]
"""Names become folder names and wildcards, so they hold no separator and no space."""

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """One section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_all_defaults(cls, values: Any) -> Any:
        """A section whose lines are all taken out, or commented out, is null to YAML."""
        return {} if values is None else values
