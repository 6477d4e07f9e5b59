"""params.yaml as a whole: read, checked, and its JSON schema.

`params.schema.json` is generated from here with `python -m facedance.config.params`, and a test fails when the two differ.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from facedance.config.sections import (
    Clips,
    Dancers,
    Evaluate,
    Faces,
    Identity,
    ModelDefaults,
    Name,
    Poses,
    Render,
    RenderDefaults,
    Sample,
    Section,
    Train,
    TrainDefaults,
    WanModel,
)  # fmt: skip


class Params(Section):
    """The whole of params.yaml."""

    model: Name
    shards: int = Field(ge=1, le=4096)
    identities: dict[Name, Identity]
    prompts: dict[Name, str]
    sample: Sample
    faces: Faces
    clips: Clips
    poses: Poses
    dancers: Dancers
    train: Train
    render: Render
    evaluate: Evaluate
    models: dict[Name, WanModel]
    model_defaults: dict[Name, ModelDefaults]

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Put the chosen model's own values in the place of null; what is not of the expected form is refused later."""
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            _known("model", [values["model"]], values["models"].keys() & values["model_defaults"].keys())
            own = values["model_defaults"][values["model"]]
            train, settings = values["train"], values["render"]["settings"]
            return {
                **values,
                "train": _filled(train, own["train"]),
                "render": {**values["render"], "settings": _filled(settings, own["render"])},
            }
        return values

    @model_validator(mode="after")
    def _refers_to_known_names(self) -> "Params":
        for name, blend in self.render.blends.items():
            _known(f"render.blends.{name}", blend.members, self.identities)
        _known("render.settings.prompt", [self.render.settings.prompt, self.render.settings.negative_prompt], self.prompts)
        for i, batch in enumerate(self.render.batches):
            _known(f"render.batches.{i}.who", batch.who, [*self.identities, *self.render.blends])
            for variant in batch.all_variants():
                _known(f"render.batches.{i}.variants", [self.render.settings.varied(variant).prompt], self.prompts)
        if self.prompts.get("none") != "":
            raise ValueError('prompts: an entry `none: ""` is needed, the empty prompt that training and guidance fall back on')
        if (weight := self.train.identity_weight) and (backend := self.faces.backend) != "dlib":
            raise ValueError(
                f"train.identity_weight {weight:g} needs a recogniser with gradients, not {backend}: set it to 0, or "
                "faces.backend to dlib"
            )
        if clash := set(self.identities) & set(self.render.blends):
            raise ValueError(f"render.blends: {sorted(clash)} are identities already; give the blends other names")
        return self

    @property
    def wan(self) -> WanModel:
        """The chosen model."""
        return self.models[self.model]


def _filled(values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return {key: own.get(key) if value is None else value for key, value in values.items()}


def _known(where: str, given: Any, allowed: Any) -> None:
    for name in given:
        if name not in allowed:
            raise ValueError(f"{where}: unknown name {name!r}; known are {', '.join(sorted(allowed)) or 'none'}")


def validate(values: dict[str, Any]) -> Params:
    """Check the content of params.yaml.

    Raises:
        ValueError: one line per wrong value: the key, what was given and what is allowed.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise ValueError("\n".join(f"params.yaml: {_sentence(e)}" for e in error.errors())) from None


def load(path: Path) -> Params:
    """Read and check a params.yaml. Raises ValueError as `validate` does."""
    return validate(yaml.safe_load(path.read_text()))


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"unknown key {key}; allowed here are {', '.join(_fields_at(error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"key {key} is missing"
    return f"{key}: {message} (given: {error['input']!r})" if key else message


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    schema = Params.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        by_pattern = next(iter(node.get("patternProperties", {}).values()), None)
        node = node.get("properties", {}).get(part) or by_pattern or node.get("items") or {}
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return sorted(node.get("properties", {}))


def json_schema() -> str:
    """The JSON schema of params.yaml, as committed in params.schema.json."""
    schema = Params.model_json_schema()
    for section, defaults in (("Train", TrainDefaults), ("RenderSettings", RenderDefaults)):
        values = schema["$defs"][section]["properties"]
        for name in defaults.model_fields:
            values[name] = {"anyOf": [values[name], {"type": "null"}], "description": "null: as in model_defaults"}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
