"""Files as targets on the command line."""

import re

from facedance.sample import catalogue

from .conftest import new_project


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
