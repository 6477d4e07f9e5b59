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
}


def test_the_tiny_model_is_made_by_its_rules(tmp_path):
    project = new_project(tmp_path / "p", models="models")
    shutil.copytree(ROOT / "lab", project["lab"], ignore=shutil.ignore_patterns("results"))
    for path, value in FEW.items():
        project.change(f"tiny.{path}", value, LAB)
    project.snakemake(*RULES, "tiny")
    made = project["lab/results/tiny/published"]
    assert shapes(made) == shapes(ROOT / "assets/tiny")
    meta = read_json(made / "meta.json")
    assert meta["recipe"]["faces"]["steps"] == 1
    assert {name: len(losses["first"]) for name, losses in meta["losses"].items()} == {
        "vae": 3, "transformer": 2, "decoder": 2, "faces": 1,
    }  # fmt: skip
    assert project.planned(*RULES, "tiny") == {}

    project.change("tiny.faces.parts", 2, LAB)
    assert project.planned(*RULES, "tiny") == {"train_tiny_faces": 1, "tiny": 1}
    project.change("tiny.faces.steps", 2, LAB)
    project.snakemake(*RULES, "tiny")
    meta = read_json(made / "meta.json")
    assert meta["recipe"]["faces"]["steps"] == len(meta["losses"]["faces"]["first"]) == 2


def test_the_model_that_comes_along_learns_masks_by_its_rules(tmp_path):
    project = new_project(tmp_path / "p", models="models")
    shutil.copytree(ROOT / "lab", project["lab"], ignore=shutil.ignore_patterns("results"))
    few = {"world.parts": 2, "world.people": 4, "world.dancers": 2, "shares": {"before": 1, "duet": 1}, "steps": 2, "decay": 1}
    for path, value in few.items():
        project.change(f"tiny.masks.{path}", value, LAB)
    project.change("tiny.compiled", False, LAB)
    project.snakemake(*RULES, "masks")
    made = project["lab/results/tiny/masked"]
    assert shapes(made) == shapes(ROOT / "assets/tiny")
    meta = read_json(made / "meta.json")
    assert meta["recipe"]["masks"]["steps"] == len(meta["losses"]["masks"]["first"]) == 2
    assert project.planned(*RULES, "masks") == {}


def shapes(folder):
    """Of all weights, as this project's own functions load them."""
    parts = {
        "transformer": load_transformer(folder, "auto", "cpu"),
        "vae": load_vae(folder, "cpu"),
        "face": load_face_branch(folder / "face_branch"),
    }
    return {f"{part}.{name}": tuple(tensor.shape) for part, model in parts.items() for name, tensor in model.state_dict().items()}
