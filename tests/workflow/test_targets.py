"""Files as targets on the command line."""

import re
import shutil
import subprocess

import pytest

from facedance.sample import catalogue

from .conftest import Project, new_project


def test_several_files_of_one_rule_are_targets_in_a_fresh_checkout(tmp_path):
    """Their stamps are written while Snakemake builds its graph, one after the other into one folder."""
    project = new_project(tmp_path / "p")
    targets = [f"data/videos/{video}.mp4" for video in catalogue.VIDEOS[:2]]
    assert project.planned(*targets) == {"make_sample_video": 2}
    project.snakemake(*targets)
    assert project.planned(*targets) == {}


def test_jobs_of_the_published_models_ask_for_a_gpu_and_those_of_the_tiny_one_do_not(tmp_path):
    project = new_project(tmp_path / "p")
    published = project.values("models", "models.yaml")["wan2.1-vace-1.3b"]
    project.change("models.own", {k: v for k, v in published.items() if k not in {"repo", "revision"}} | {"folder": "own"})
    for rules in project["rules"].glob("*.smk"):  # a dry run shows a message instead of what a job asks for
        rules.write_text(re.sub(r" {4}message:\n.*\n", "", rules.read_text()))
    for model, gpu, threads in (("tiny", 0, 1), ("wan2.1-vace-1.3b", 1, 2), ("own", 1, 2)):
        project.change("model", model)
        done = project.snakemake("--dry-run", "all")
        asked = re.findall(r"rule (\w+):(.*?)(?=\n\[|\n\n)", done.stdout + done.stderr, re.DOTALL)
        jobs = [text for rule, text in asked if rule in {"encode_clips", "train_adapter", "render_shard"}]
        assert len(jobs) > 4
        for text in jobs:
            assert f"gpu={gpu}" in text, text
            assert ("threads: 2" in text) == (threads == 2), text


def test_what_is_looked_at_first_needs_nothing_of_a_published_model(tmp_path):
    project = new_project(tmp_path / "p")
    project.change("model", "wan2.1-vace-1.3b")
    planned = project.planned("clips", "poses", "faces", "check")
    assert {"cut_clips", "extract_poses", "embed_faces", "build_check"} <= planned.keys()
    assert not {"fetch_wan_model", "encode_prompts", "encode_photos", "encode_clips"} & planned.keys()


def test_where_photos_alone_are_learned_from_the_dance_to_look_at_may_be_in_any_shard_that_is_rendered(tmp_path):
    project = new_project(tmp_path / "p")
    for path, value in {"train.videos": [], "train.validate_every": 4, "render.blends": {}}.items():
        project.change(path, value)
    for videos, shards in (("*", 2), ("gBR*", 1)):
        project.change("render.batches", [{"who": ["eileen"], "videos": [videos]}])
        assert project.planned("train")["encode_clips"] == shards


@pytest.mark.thorough
def test_data_and_results_may_lie_elsewhere(finished, tmp_path):
    """In folders of any name, and data/videos on another disk; what is not said there is said beside the Snakefile."""
    program = finished.copy(tmp_path / "the prögram")
    elsewhere, disk = Project(tmp_path / "else {where}"), tmp_path / "disk"
    for folder in ("data/photos", "models"):
        elsewhere[folder].mkdir(parents=True)
    for who in ("eileen", "nora"):
        shutil.copytree(program[f"data/photos/{who}"], elsewhere[f"data/photos/{who}"])
    shutil.copytree(program["models/pose"], elsewhere["models/pose"])
    disk.mkdir()
    shutil.copy(min(program["data/videos"].glob("*.mp4")), disk / "my dance.mp4")
    elsewhere["data/videos"].symlink_to(disk)
    shutil.copy(program["params.yaml"], elsewhere["params.yaml"])
    run = ("--snakefile", str(program["Snakefile"]), "clips", "faces", "results/latents/prompts.safetensors")
    command = ["snakemake", "--cores", "2", "--directory", str(elsewhere.folder), *run]
    for _ in range(2):
        done = subprocess.run(
            command, cwd=tmp_path, env=program.environment(), capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stderr[-3000:]
    assert "Nothing to be done" in done.stdout + done.stderr
    assert "my-dance_000,data/videos/my dance.mp4" in elsewhere["results/clips/clips.csv"].read_text()
    assert not (tmp_path / "results").exists()


def test_braces_in_the_programs_path_are_one_sentence(tmp_path):
    project = new_project(tmp_path / "{p}")
    done = project.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    assert (done.stdout + done.stderr).strip().endswith("say --directory")
