"""What runs again after a change of code, and only that."""

import shutil

import pytest

SCORING = {"summarise": 1, "build_report": 1}


def test_code_counts_by_its_meaning(project):
    for path in ("src/facedance/files.py", "src/facedance/wan/memory.py", "scripts/train_adapter.py"):
        add(project, path, "# a comment")
    assert project.planned("all") == {}

    suffixes = {".py", ".smk", ".yaml", ".html", ".css", ".js", ""}
    sources = [project["Snakefile"], project["params.yaml"]]
    sources += [path for folder in ("rules", "scripts", "src") for path in project[folder].rglob("*")]
    for path in (path for path in sources if path.is_file() and path.suffix in suffixes):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert project.planned("all") == {}

    add(project, "src/facedance/evaluate/temporal.py", "CHANGED = True")
    assert project.planned("all") == {"score_renders": 4, **SCORING}
    add(project, "src/facedance/train/learner.py", "CHANGED = True")
    assert project.planned("all") == {"train_adapter": 2, "render_shard": 4, "score_renders": 4, **SCORING}


@pytest.mark.thorough
def test_what_no_training_computes_with_trains_nothing_anew(project):
    """The shard of a new video and other code are newer, so the trainings start, and end with what they have."""
    add(project, "src/facedance/wan/memory.py", "CHANGED = True")
    adapters = {path: path.read_bytes() for path in project["results/train"].glob("*/adapter.safetensors")}
    shutil.copy(min(project["data/videos"].iterdir()), project["data/videos/my dance.mp4"])
    project.snakemake("train")
    assert {path: path.read_bytes() for path in adapters} == adapters
    assert all("going on after step 4 of 4" in path.read_text() for path in project["logs/train_adapter"].glob("*.log"))


def add(project, path: str, line: str) -> None:
    with open(project[path], "a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
