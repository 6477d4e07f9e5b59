"""DVC over Snakemake: it records what is there and runs what a parameter touches."""

import subprocess

import pytest


@pytest.fixture
def versioned(project):
    """The finished project as a git repository with DVC, recorded."""
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.email", "test@example.org"],
        ["git", "config", "user.name", "test"],
        ["dvc", "init", "-q"],
        ["dvc", "config", "core.analytics", "false"],
    ):
        project.run(*command)
    project[".gitignore"].write_text("/data\n/models\n/results\n/logs\n/benchmarks\n/.cache\n/.snakemake\n__pycache__/\n")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "start")
    return project


def rules_run(done: subprocess.CompletedProcess[str]) -> set[str]:
    lines = (done.stdout + done.stderr).splitlines()
    return {line.split("Rule: ")[1].rstrip(")") for line in lines if "Finished jobid" in line and "Rule: " in line}


def test_repro_after_a_full_run_does_no_work_and_later_only_what_a_parameter_touches(versioned):
    targets = {"data", "models", "faces", "clips", "poses", "dancers", "latents", "train", "render", "evaluate", "report"}
    first = versioned.run("dvc", "repro")
    assert rules_run(first) <= targets, "a full run had left nothing to do"
    assert "up to date" in versioned.run("dvc", "repro").stdout

    before = versioned["results/evaluate/metrics.csv"].read_text()
    versioned.change("render.settings.face_scale", 0.5)
    second = versioned.run("dvc", "repro")
    assert rules_run(second) - targets == {"render_shard", "score_renders", "summarise", "build_report"}
    assert versioned["results/evaluate/metrics.csv"].read_text() != before or "nan" in before.lower()
    assert "face_scale: 0.5" in versioned["dvc.lock"].read_text()
    assert versioned.snakemake("all", "--dry-run").returncode == 0
    assert versioned.planned("all") == {}
