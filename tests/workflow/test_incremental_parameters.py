"""What runs again after a change of parameters, and only that."""

import os
import shutil
import time
from pathlib import Path

import pytest

from facedance.files import read_json, sha256

TRAINING = {"train_adapter": 2}
SCORING = {"summarise": 1, "build_report": 1}
RENDERING = {"render_shard": 4, "score_renders": 4, **SCORING}


def test_a_second_run_does_nothing(finished):
    assert finished.planned("all") == {}
    assert finished.planned("all") == {}
    made_later = read_json(finished["results/faces/.stamps/embed_faces/eileen.json"])["files"]
    assert made_later == {name: sha256(finished[name]) for name in made_later}, "the sample's photos were not there at first"


def test_a_dry_run_shows_the_plan_and_leaves_no_traces(project):
    shutil.rmtree(project[".snakemake"])

    def times() -> dict[Path, int]:
        folders = (project[name] for name in ("data", "models", "results"))
        return {path: path.lstat().st_mtime_ns for folder in folders for path in folder.rglob("*")}

    tomorrow = time.time() + 86400
    os.utime(project["data/photos/nora/IMG_2041.jpg"], (tomorrow, tomorrow))
    before = times()
    project.change("identities.nora.consent", "signed on paper")
    project.change("faces.min_face_px", 64)
    assert project.planned("faces") == {"embed_faces": 2, "embed_identity": 2, "faces": 1}
    project.change("faces.min_face_px", 48)
    for look in ("--summary", "--list-rules", "--lint"):
        project.snakemake(look, check=look != "--lint")
    assert project.planned("faces") == {"embed_faces": 1, "embed_identity": 1, "faces": 1}
    assert times() == before


def test_a_cast_is_all_that_is_made_beside_the_others(project):
    batch = {"cast": {1: "eileen", 2: "nobody"}, "videos": ["gBR*"]}
    project.change("render.batches", [*project.values("render.batches"), batch])
    assert project.planned("all") == {"render_shard": 1, "score_renders": 1, **SCORING}
    done = project.snakemake("all")
    assert "Rendering 1~eileen_2~nobody (dancer 1: eileen, dancer 2: not shown), shard" in done.stdout + done.stderr
    (facts,) = project["results/render/1~eileen_2~nobody"].glob("*/default.json")
    assert read_json(facts)["cast"] == {"1": {"who": "eileen", "weights": {"eileen": 1.0}}, "2": {"who": "nobody"}}
    assert "1~eileen_2~nobody" in project["results/evaluate/metrics.csv"].read_text()
    assert project.planned("all") == {}
    project.change("render.batches", project.values("render.batches")[:-1])
    project.snakemake("prune")
    assert not project["results/render/1~eileen_2~nobody"].exists()


@pytest.mark.parametrize(
    ("path", "value", "rules"),
    [
        ("render.settings.face_scale", 1.2, RENDERING),
        ("render.settings.flow_shift", 5.0, RENDERING),
        ("render.settings.prompt", "none", RENDERING),
        ("prompts.negative", "mist", {"encode_prompts": 1, **RENDERING}),
        ("prompts.stage", "a person on a stage", {"encode_prompts": 1, **RENDERING}),
        ("train.prompt", "none", {**TRAINING, **RENDERING}),
        ("evaluate.recognised_distance", 0.5, {"score_renders": 4, **SCORING}),
        ("train.seed", 1, {**TRAINING, **RENDERING}),
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


def test_who_learns_from_photos_alone_is_not_trained_anew_for_what_dances_are_said_to_show(project):
    project.change("train.photo_share", 1.0)
    project.snakemake("train")
    project.change("prompts.dance", "{person} on a stage")
    assert project.planned("train") == {"encode_prompts": 1}
    project.change("prompts.portrait", "a picture of {person}")
    assert project.planned("train") == {"encode_prompts": 1, **TRAINING, "train": 1}


@pytest.mark.thorough
def test_changing_a_parameter_back_leaves_the_same_bytes(project):
    render = project["results/render/eileen"].rglob("*.mp4")
    before = {path: path.read_bytes() for path in render}
    assert before
    for value, same in ((3, False), (2, True)):
        project.change("render.settings.steps", value)
        project.snakemake("results/render/eileen/0000.csv")
        assert ({path: path.read_bytes() for path in before} == before) is same


def test_other_patterns_for_the_same_videos_train_nothing_anew(project):
    project.change("train.videos", ["g[A-Z]*", "gBR*"])
    assert project.planned("all") == {"build_report": 1}
    project.change("train.videos", ["gBR*"])  # of which alone all windows are encoded now
    assert project.planned("train") == {"encode_clips": 1, **TRAINING, "train": 1}


def test_a_render_of_a_batch_is_not_made_again_when_it_is_asked_for_by_name(project):
    (clip,) = project["results/render/eileen"].glob("*/default.mp4")
    files = [clip, clip.with_suffix(".json")]
    before = [(file.stat().st_ino, file.read_bytes()) for file in files]
    project.snakemake(str(clip.relative_to(project.folder)))
    assert [(file.stat().st_ino, file.read_bytes()) for file in files] == before
    (log,) = project["logs/render_clip"].rglob("*.log")
    assert "1 renders, 0 of them to be made" in log.read_text()
    assert not {"render_shard", "render_clip"} & project.planned("all").keys()
    clip.unlink()
    project.snakemake(str(clip.relative_to(project.folder)))
    assert clip.read_bytes() == before[0][1]


def test_a_single_variant_is_a_target_and_will_be_on_the_page(project):
    (clip,) = (path.parent.name for path in project["results/render/eileen"].glob("*/default.mp4"))
    target = f"results/render/eileen/{clip}/face_scale~0.5_seed~7.mp4"
    assert project.planned(target) == {"render_clip": 1}
    project.snakemake(target)
    default = project[f"results/render/eileen/{clip}/default.mp4"]
    assert project[target].read_bytes() != default.read_bytes()
    assert project.planned(target) == {}
    assert project.planned("all") == {"score_renders": 1, **SCORING}
