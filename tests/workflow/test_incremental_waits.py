"""What waits for a job without being made anew by it keeps its own reasons to run, and so does whatever comes after it."""

import shutil

import pytest

from facedance import names

from .conftest import Project

TRAINING = {"train_adapter": 2, "train": 1}


@pytest.fixture
def photos_alone(project) -> Project:
    """As with the published models: trainings wait for clips and learn from none."""
    project.change("train.videos", [])
    project.snakemake("--touch", "all")
    assert project.planned("all") == {}
    return project


def clip_of_eileen(project: Project) -> str:
    (clip,) = (path.parent.name for path in project["results/render/eileen"].glob("*/default.mp4"))
    return clip


def bring_a_video_of_another_shard(project: Project) -> None:
    """Of another than that of the clip which is rendered."""
    shards = project.values("shards")
    rendered = names.shard_of_clip(clip_of_eileen(project), shards)
    name = next(n for n in map("dance-{}".format, range(99)) if names.shard_of(n, shards) != rendered)
    shutil.copy(min(project["data/videos"].glob("*.mp4")), project[f"data/videos/{name}.mp4"])


def test_a_render_is_made_by_name_while_a_new_video_is_cut(photos_alone):
    bring_a_video_of_another_shard(photos_alone)
    target = f"results/render/eileen/{clip_of_eileen(photos_alone)}/seed~7.mp4"
    assert photos_alone.planned(target) == {"cut_clips": 1, "extract_poses": 1, "list_clips": 1, "render_clip": 1}


def test_renders_are_made_anew_while_a_new_video_is_cut(photos_alone):
    bring_a_video_of_another_shard(photos_alone)
    cutting = photos_alone.planned("all")
    assert cutting["cut_clips"] == 1
    assert not {"encode_prompts", "train_adapter", "render_shard"} & cutting.keys()
    photos_alone.change("render.settings.face_scale", 1.2)
    assert photos_alone.planned("all") == {**cutting, "render_shard": 4}


def test_a_lora_is_exported_while_another_prompt_is_encoded(project):
    project.change("prompts.negative", "mist")
    assert project.planned("results/train/eileen/lora.comfyui.safetensors") == {"encode_prompts": 1, "export_lora": 1}


def test_a_training_that_has_to_run_waits_for_another_prompt(project):
    project.change("prompts.negative", "mist")
    assert project.planned("train") == {"encode_prompts": 1}
    project.change("train.seed", 1)
    assert project.planned("train") == {"encode_prompts": 1, **TRAINING}
