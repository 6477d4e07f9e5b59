"""The rules that make the tiny model from nothing, with a handful of people and of steps."""

import shutil

import pytest

from facedance.files import read_json
from facedance.wan.load import load_transformer, load_vae
from facedance.wan.pretrained_face import load_face_branch
from tests.workflow.conftest import ROOT, new_project

pytestmark = pytest.mark.workflow

LAB = "lab/params.yaml"
RULES = ("--snakefile", "lab/Snakefile")
FEW = {
    "parts": 2,
    "people": 4,
    "dancers": 4,
    "compiled": False,
    "vae.people": 2,
    "vae.parts": 1,
    "vae.steps": 2,
    "vae.decoder_steps": 1,
    "transformer.rounds": [{"people": 4, "estimated": 0.5, "steps": 2, "decay": 1}],
    "transformer.picture_steps": 1,
    "faces.decoder": [{"steps": 1, "rate": 0.1}, {"steps": 1, "rate": 0.1}],
    "faces.parts": 1,
    "faces.steps": 1,
    "masks.world.parts": 2,
    "masks.world.people": 4,
    "masks.world.dancers": 2,
    "masks.sizes.parts": 2,
    "masks.sizes.people": 4,
    "masks.halved": 1,
    "masks.rounds": [
        {
            "shares": {"before": 1, "duet": 1},
            "steps": 2,
            "decay": 1,
            "rate": 0.2,
            "motion": 0.0,
            "body": 4.0,
            "pose": 0.0,
            "lengths": 0.0,
            "told": 1.0,
            "drifted": 0.0,
        },
        {
            "shares": {"size": 1},
            "steps": 1,
            "decay": 1,
            "rate": 0.2,
            "motion": 1.0,
            "body": 8.0,
            "pose": 5.0,
            "lengths": 2.0,
            "told": 0.5,
            "drifted": 0.3,
        },
    ],
}


def test_the_tiny_model_is_made_by_its_rules(tmp_path):
    project = new_project(tmp_path / "p", models="models")
    shutil.copytree(ROOT / "lab", project["lab"], ignore=shutil.ignore_patterns("results"))
    for path, value in FEW.items():
        project.change(f"tiny.{path}", value, LAB)
    project.snakemake(*RULES, "tiny")
    made = project["lab/results/tiny/masked"]
    assert shapes(made) == shapes(ROOT / "assets/tiny")
    meta = read_json(made / "meta.json")
    assert meta["recipe"]["faces"]["steps"] == 1
    assert {name: len(losses["first"]) for name, losses in meta["losses"].items()} == {
        "vae": 3, "transformer": 2, "decoder": 2, "faces": 1, "masks": 3,
    }  # fmt: skip
    assert project.planned(*RULES, "tiny") == {}

    project.change("tiny.faces.parts", 2, LAB)
    assert project.planned(*RULES, "tiny")["train_tiny_faces"] == 1
    more = [round | {"steps": 3} for round in FEW["masks.rounds"]]
    project.change("tiny.masks.rounds", more, LAB)
    project.snakemake(*RULES, "tiny")
    meta = read_json(made / "meta.json")
    assert len(meta["losses"]["masks"]["first"]) == 6


def shapes(folder):
    """Of all weights, as this project's own functions load them."""
    parts = {
        "transformer": load_transformer(folder, "auto", "cpu"),
        "vae": load_vae(folder, "cpu"),
        "face": load_face_branch(folder / "face_branch"),
    }
    return {f"{part}.{name}": tuple(tensor.shape) for part, model in parts.items() for name, tensor in model.state_dict().items()}
