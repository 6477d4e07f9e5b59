"""The benchmark of the faces, small: its figures, and that an interrupted one goes on."""

import shutil
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lab.identity.recipes import BASE, DRIVER, TRUTH, VAE, VARIANTS
from lab.identity.score import Score
from lab.identity.table import MEASURES
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.workflow

LAB = "lab/params.yaml"
RULES = ("--snakefile", "lab/Snakefile")
FOLDER = "lab/results/identity"
PEOPLE = ("eileen", "heldout_29")


def test_every_variant_is_measured_and_what_is_made_is_kept(project):
    shutil.copytree(ROOT / "lab", project["lab"], ignore=shutil.ignore_patterns("results"))
    project.change("identity", {"people": 2, "seeds": 1, "lora_steps": 2}, LAB)
    project.change("models.tiny.frames", 5)
    project.change("render.settings.steps", 1)
    project.snakemake(*RULES, "identity")

    table = pd.read_csv(project[f"{FOLDER}/identity.csv"])
    assert table["variant"].tolist() == [DRIVER, TRUTH, VAE, *(variant.name for variant in VARIANTS)]
    assert set(MEASURES) == {field.name for field in fields(Score)} <= set(table.columns)
    assert len(pd.read_csv(project[f"{FOLDER}/clips.csv"])) == len(PEOPLE) * len(table)
    assert (table["clips"] == len(PEOPLE)).all()
    rows = table.set_index("variant")
    assert rows.loc[DRIVER, "pck"] == pytest.approx(1 - 1 / (2 * 5 * 17), abs=1e-4)  # one joint of two clips is off
    assert rows.loc[TRUTH, "rank1"] == rows.loc[TRUTH, "judge_rank1"] == 1
    assert rows.loc[TRUTH, "to_self"] < 0.6 < rows.loc[TRUTH, "to_nearest_other"]
    for nothing in (
        "adapter only, face_scale 0",
        "a LoRA from a loss that compares a tensor with itself",
    ):  # no face, and a LoRA that has learned nothing
        np.testing.assert_array_equal(numbers(rows.loc[nothing]), numbers(rows.loc[BASE]))
    assert "LoRA: 2 steps on each person's photos" in project[f"{FOLDER}/identity.md"].read_text()
    one, both = (Image.open(project[f"{FOLDER}/{name}"]) for name in ("scores/eileen.0.png", "grid.png"))
    assert both.width == one.width
    assert one.height < both.height < 2 * one.height

    assert project.planned(*RULES, "identity") == {}
    for missing in (f"scores/{PEOPLE[1]}.0.csv", "identity.csv"):  # as when it was stopped
        project[f"{FOLDER}/{missing}"].unlink()
    assert project.planned(*RULES, "identity") == {"score_driving_clip": 1, "identity": 1, "benchmark_identity": 1}
    project.change("evaluate.every", 8)
    assert project.planned(*RULES, "identity") == {"score_driving_clip": 2, "identity": 1, "benchmark_identity": 1}
    project.change("render.settings.steps", 2)
    again = {"render_driving_clip": 2, "score_driving_clip": 2, "identity": 1, "benchmark_identity": 1}
    assert project.planned(*RULES, "identity") == again
    project.change("identity.lora_steps", 3, LAB)
    assert project.planned(*RULES, "identity") == {**again, "train_sitter": 2}


def numbers(row):
    return row[[field.name for field in fields(Score)]].to_numpy(float)
