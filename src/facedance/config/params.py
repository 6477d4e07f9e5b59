"""params.yaml and models.yaml as a whole: filled in and checked."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from facedance.config.aist import Aist
from facedance.config.base import Name, Section
from facedance.config.cast import NO_PERSON
from facedance.config.complaints import complaints
from facedance.config.face_branch import FaceBranchTraining
from facedance.config.marks import Marks
from facedance.config.reading import read_parameters
from facedance.config.rendering import Render
from facedance.config.sections import (
    Clips,
    Dancers,
    Evaluate,
    Faces,
    Identity,
    Model,
    Poses,
    Sample,
    Train,
    WanModel,
)


class Params(Section):
    """The whole of params.yaml, with the models of models.yaml."""

    model: Name = Field(description="The model that is used: one of models.yaml, or of `models` here.")
    models: dict[Name, Model] = Field(description="Models of your own, or other values for those of models.yaml.")
    shards: int = Field(1, ge=1, le=4096, description="Jobs that the videos are divided into; more for many videos.")
    identities: dict[Name, Identity] = Field(description="The people, each with a folder of photos in data/photos.")
    prompts: dict[Name, str] = Field(
        description='Texts for the model, by names of your choice; `none: ""` has to be there. {person} is whoever is shown.'
    )
    sample: Sample = Sample()
    faces: Faces = Faces()
    aist: Aist = Aist()
    clips: Clips = Clips()
    poses: Poses = Poses()
    dancers: Dancers = Dancers()
    face_branch: FaceBranchTraining = FaceBranchTraining()
    train: Train = Train()
    render: Render
    marks: Marks = Marks()
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Put the chosen model's own values below those given; what is not of the expected form is refused later."""
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            _known("model", [values["model"]], values["models"])
            own, render = values["models"][values["model"]], values["render"]
            return {
                **values,
                "prompts": {**(own.get("prompts") or {}), **(values.get("prompts") or {})},
                "train": {**(own.get("train") or {}), **(values.get("train") or {})},
                "render": {**render, "settings": {**(own.get("render") or {}), **(render.get("settings") or {})}},
            }
        return values

    @model_validator(mode="after")
    def _refers_to_known_names(self) -> "Params":
        for name, blend in self.render.blends.items():
            _known(f"render.blends.{name}", blend.members, self.identities)
        _known("render.settings.prompt", [self.render.settings.prompt, self.render.settings.negative_prompt], self.prompts)
        _known("train.prompt", [self.train.prompt], self.prompts)
        _known("train.captions", filter(None, self.train.captions.model_dump().values()), self.prompts)
        for i, batch in enumerate(self.render.batches):
            where = f"render.batches.{i}.{'cast' if batch.cast else 'who'}"
            _known(where, batch.named, [*self.identities, *self.render.blends])
            for variant in batch.all_variants():
                varied = self.render.settings.varied(variant)
                _known(f"render.batches.{i}.variants", [varied.prompt, varied.negative_prompt], self.prompts)
        if self.prompts.get("none") != "":
            raise ValueError('prompts: an entry `none: ""` is needed, the empty prompt that training and guidance fall back on')
        if self.aist.ignore_list and self.clips.ignore_list:
            raise ValueError(
                "aist.ignore_list and clips.ignore_list: set the first to false to use your file, or take out the second"
            )
        if (taken := {*self.identities, *self.render.blends} & {*NO_PERSON}) and self.render.casts:
            raise ValueError(
                f"render.batches: in a cast {min(taken)} is no person; give the person or blend of this name another"
            )
        if clash := set(self.identities) & set(self.render.blends):
            raise ValueError(f"render.blends: {sorted(clash)} are identities already; give the blends other names")
        return self

    @property
    def wan(self) -> WanModel:
        """What the chosen model is."""
        return WanModel(**{name: getattr(self.models[self.model], name) for name in WanModel.model_fields})


def _known(where: str, given: Any, allowed: Any) -> None:
    for name in given:
        if name not in allowed:
            raise ValueError(f"{where}: unknown name {name!r}; known are {', '.join(sorted(allowed)) or 'none'}")


def validate(values: Mapping[str, Any]) -> Params:
    """Check what params.yaml and models.yaml say together.

    Raises:
        ValueError: one line per wrong value: the key, what was given and what is allowed.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise ValueError("\n".join(complaints(error.errors(), Params.model_json_schema()))) from None


def load(path: Path, overrides: Mapping[str, Any] | None = None, otherwise: Path | None = None) -> Params:
    """Read and check a params.yaml and the models.yaml beside it, as `read_parameters` and `validate` do. Raises as they do."""
    return validate(read_parameters(path.parent, overrides, otherwise))
