"""What runs again after a change, and only that."""

import os
import shutil
import time

import pytest

TRAINING = {"train_adapter": 1}
SCORING = {"summarise": 1, "build_report": 1}


def test_a_second_run_does_nothing(finished):
    assert finished.planned("all") == {}


def test_a_new_photo_touches_its_identity_only(project):
    shutil.copy(project["data/photos/eileen"] / "IMG_2041.jpg", project["data/photos/eileen"] / "one more.jpg")
    assert project.planned("all") == {
        "embed_faces": 1, "encode_photos": 1, "train_adapter": 1, "render_shard": 3, "score_renders": 4, **SCORING,
    }  # fmt: skip


def test_a_removed_photo_counts_as_a_change(project):
    extra = project["data/photos/nora/extra.jpg"]
    shutil.copy(project["data/photos/nora/IMG_2041.jpg"], extra)
    project.snakemake("faces")
    extra.unlink()
    assert project.planned("faces") == {"embed_faces": 1, "faces": 1}


def test_a_photo_from_the_future_is_a_change_once(project):
    """A camera's clock may be wrong."""
    photo = project["data/photos/nora/IMG_2041.jpg"]
    tomorrow = time.time() + 86400
    os.utime(photo, (tomorrow, tomorrow))
    project.snakemake("faces")
    assert project.planned("faces") == {}


def test_a_new_video_touches_one_shard(project):
    source = next(iter(sorted(project["data/videos"].iterdir())))
    shutil.copy(source, project["data/videos/my dance.mp4"])
    planned = project.planned("all")
    assert planned["cut_clips"] == planned["extract_poses"] == planned["encode_clips"] == 1
    assert "make_sample_video" not in planned


def test_a_new_video_that_is_not_learned_from_trains_nothing_anew(project):
    """Its shard is newer, so the trainings start, and end with what they have."""
    adapters = {path: path.read_bytes() for path in project["results/train"].glob("*/adapter.safetensors")}
    shutil.copy(min(project["data/videos"].iterdir()), project["data/videos/my dance.mp4"])
    project.snakemake("train")
    assert {path: path.read_bytes() for path in adapters} == adapters
    assert all("going on after step 4 of 4" in path.read_text() for path in project["logs/train_adapter"].iterdir())


@pytest.mark.parametrize(
    ("path", "value", "rules"),
    [
        ("render.settings.face_scale", 1.2, {"render_shard": 4, "score_renders": 4, **SCORING}),
        ("evaluate.recognised_distance", 0.5, {"score_renders": 4, **SCORING}),
        ("train.seed", 1, {"train_adapter": 2, "render_shard": 4, "score_renders": 4, **SCORING}),
        ("identities.nora.consent", "signed on paper, 2026", None),
    ],
)
def test_a_changed_parameter_runs_what_depends_on_it(project, path, value, rules):
    project.change(path, value)
    planned = project.planned("all")
    if rules is None:
        assert planned["embed_faces"] == 1
        assert not {"cut_clips", "extract_poses", "encode_clips"} & set(planned)
    else:
        assert planned == rules


def test_changing_a_parameter_back_leaves_the_same_bytes(project):
    render = project["results/render/eileen"].rglob("*.mp4")
    before = {path: path.read_bytes() for path in render}
    assert before
    for value, same in ((3, False), (2, True)):
        project.change("render.settings.steps", value)
        project.snakemake("results/render/eileen/0000.csv")
        assert ({path: path.read_bytes() for path in before} == before) is same


def test_a_changed_module_runs_its_stages_only(project):
    module = project["src/facedance/evaluate/temporal.py"]
    module.write_text(module.read_text() + "\n# changed\n")
    assert project.planned("all") == {"score_renders": 4, **SCORING}


def test_a_single_variant_is_a_target(project):
    clip = next(project["results/render/eileen"].iterdir()).name
    target = f"results/render/eileen/{clip}/face_scale~0.5_seed~7.mp4"
    assert project.planned(target) == {"render_clip": 1}
    project.snakemake(target)
    default = project[f"results/render/eileen/{clip}/default.mp4"]
    assert project[target].read_bytes() != default.read_bytes()
    assert project.planned(target) == {}


def test_a_new_identity_leaves_the_others_alone(project):
    shutil.copytree(project["data/photos/eileen"], project["data/photos/zoe"])
    project.change("identities.zoe", {"consent": "public-domain"})
    planned = project.planned("train")
    assert planned.pop("train") == 1
    assert planned == {"embed_faces": 1, "encode_photos": 1, "train_adapter": 1}
