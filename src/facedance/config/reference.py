"""What is written from the sections: params.schema.json, for editors, and docs/parameters.md.

`make schema` writes both (`python -m facedance.config.reference`), and a test fails when they differ from the sections.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facedance.config.params import Params

SCHEMA, DOCUMENT = Path("params.schema.json"), Path("docs/parameters.md")

_HEAD = """\
# Parameters

Every value that changes a result: its default, what it may be, and what it does. `make schema` writes this page from
`src/facedance/config/`.

- A value in `params.yaml` wins over the same one of the chosen model in `models.yaml`, and that over the default here.
- `<name>` is a name of your choice: letters a to z, digits, `.`, `_` and `-`, at most 64 of them.
- For one run, a value goes on the command line too: `snakemake --cores all --config 'train={lora_rank: 32}'`.
"""

_SECTIONS = {
    "the top": "Params",
    "models.<name>": "Model",
    "identities.<name>": "Identity",
    "sample": "Sample",
    "faces": "Faces",
    "aist": "Aist",
    "clips": "Clips",
    "clips.stretches.<pattern>": "Part",
    "poses": "Poses",
    "dancers": "Dancers",
    "face_branch": "FaceBranchTraining",
    "train": "Train",
    "train.phases": "Phase",
    "train.captions": "Captions",
    "render": "Render",
    "render.settings": "RenderSettings",
    "render.settings.seeds": "Seeds",
    "render.memory": "RenderMemory",
    "render.speed": "RenderSpeed",
    "render.loras.<name>": "ForeignLora",
    "render.blends.<name>": "Blend",
    "render.batches": "Batch",
    "marks": "Marks",
    "marks.label": "Label",
    "evaluate": "Evaluate",
}
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
_TYPES = {"string": "text", "boolean": "`true`, `false`", "integer": "whole number", "number": "number", "object": "by name"}
_ALL_SEEDS = 2**53
"""A larger bound says only what fits a number."""


def json_schema() -> str:
    """The JSON schema of params.yaml, as committed in params.schema.json."""
    schema = Params.model_json_schema()
    schema["$defs"]["Model"]["required"] = []  # params.yaml may give a part of what models.yaml says
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def document() -> str:
    """All values as markdown, a table for each section, as committed in docs/parameters.md."""
    schema = Params.model_json_schema()
    nodes = {**schema["$defs"], "Params": schema}
    if missing := nodes.keys() ^ set(_SECTIONS.values()):
        raise ValueError(f"docs/parameters.md has no place for {', '.join(sorted(missing))}")
    return "\n".join([_HEAD, *(_table(path, nodes[name], nodes) for path, name in _SECTIONS.items())])


def _table(path: str, node: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}` | {_default(field, name in node.get('required', ()))} | {_range(field)} | {_description(field, nodes)} |"
        for name, field in node["properties"].items()
    ]
    title = path if path == "the top" else f"`{path}`"
    return "\n".join(
        [f"## {title}\n", f"{_description(node, nodes)}\n", "| | default | may be | |", "|---|---|---|---|", *rows, ""]
    )


def _description(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    """What a value or section is; a section in another says so itself."""
    text = node.get("description") or nodes[node["$ref"].rsplit("/", 1)[-1]]["description"]
    return " ".join(text.split())


def _default(field: Mapping[str, Any], required: bool) -> str:
    if required:
        return "has to be given"
    if isinstance(field["default"], dict) and field["default"]:
        return "its values' own"
    return "none" if field["default"] is None else f"`{json.dumps(field['default'], ensure_ascii=False)}`"


def _range(field: Mapping[str, Any]) -> str:
    """What a field may be, in words."""
    if "$ref" in field:
        return "section"
    if options := field.get("anyOf"):
        return " or ".join(_range(option) for option in options if option.get("type") != "null")
    if options := field.get("enum", [field["const"]] if "const" in field else None):
        return ", ".join(f"`{option}`" for option in options)
    if field["type"] == "array":
        return "list"
    bounds = [f"{word} {field[key]:g}" for key, word in _BOUNDS.items() if field.get(key, _ALL_SEEDS) < _ALL_SEEDS]
    steps = [f"a multiple of {field['multipleOf']}"] if "multipleOf" in field else []
    return ", ".join([_TYPES[field["type"]] + (f" {' '.join(bounds)}" if bounds else ""), *steps])


if __name__ == "__main__":
    SCHEMA.write_text(json_schema(), encoding="utf-8")
    DOCUMENT.write_text(document(), encoding="utf-8")
