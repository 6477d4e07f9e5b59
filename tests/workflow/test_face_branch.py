"""What training a face branch asks for, and what its being there means for a person's training."""

import pytest

from lab.face_branch.people import draw_people

from .conftest import new_project


@pytest.fixture
def peopled(tmp_path):
    """A fresh project with portraits."""
    project = new_project(tmp_path / "p")
    for name in ("ann/1.jpg", "ann/2.jpg", "cay.jpg"):
        portrait = project["data/people"] / name
        portrait.parent.mkdir(parents=True, exist_ok=True)
        portrait.write_bytes(name.encode())
    return project


@pytest.mark.thorough
def test_a_face_branch_needs_portraits_and_nothing_of_videos(peopled):
    planned = peopled.planned("face_branch")
    assert planned["train_face_branch"] == planned["list_people"] == planned["encode_portrait_texts"] == 1
    assert planned["encode_portraits"] == 2
    assert not {"cut_clips", "encode_prompts", "embed_faces", "train_adapter"} & planned.keys()
    assert not {"train_face_branch", "encode_portraits"} & peopled.planned("all").keys()
    for portrait in peopled["data/people"].rglob("*.jpg"):
        portrait.unlink()
    done = peopled.snakemake("--dry-run", "face_branch", check=False)
    assert done.returncode != 0
    assert "there are no portraits to train a face branch with" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.thorough
def test_a_branch_stays_while_there_is_no_better_one(tmp_path):
    project = new_project(tmp_path / "p", models="models")
    draw_people(project["data/people"], 3, 1)
    project.change("face_branch.licence", "drawn")
    project.snakemake("models")
    branch = {path: path.read_bytes() for path in project["models/tiny/face_branch"].iterdir()}
    assert branch
    done = project.snakemake("face_branch", check=False)
    assert "holds usable portraits of 3 people" in done.stdout + done.stderr
    assert {path: path.read_bytes() for path in project["models/tiny/face_branch"].iterdir()} == branch


@pytest.mark.thorough
def test_without_a_licence_no_portrait_is_opened(peopled):
    done = peopled.snakemake("results/latents/people/0000.csv", check=False)
    assert "face_branch.licence is empty" in done.stdout + done.stderr


@pytest.mark.thorough
def test_people_are_learned_beside_the_photos_where_a_branch_is_new_and_somebody_has_said_by_what_right(peopled):
    others = {"encode_portraits", "encode_heads"}
    peopled.change("train.other_faces", 0.5)
    assert others & peopled.planned("train").keys() == {"encode_heads"}
    peopled.change("face_branch.licence", "ours")
    planned = peopled.planned("train")
    assert (planned["encode_portraits"], planned["encode_heads"]) == (2, planned["encode_clips"])
    assert "encode_portraits" in peopled.planned("latents")
    peopled.change("train.videos", [])
    assert others & peopled.planned("train").keys() == {"encode_portraits"}
    brought = peopled["models/tiny/face_branch/config.json"]
    brought.parent.mkdir(parents=True)
    brought.write_text("{}")
    assert not others & peopled.planned("train").keys()


@pytest.mark.thorough
def test_people_are_trained_anew_from_a_branch_that_was_trained_here(project):
    assert not project.planned("all")
    branch = project["models/tiny/face_branch"]
    (branch / "card.json").write_text("{}")
    assert project.planned("all")["train_adapter"] == 2
