"""Forgetting a person in a real project."""

import shutil
import sys


def test_nothing_of_a_person_is_left_and_the_others_keep_theirs(project):
    said = project.run(sys.executable, "-m", "facedance.privacy.forget", "nora", "--photos").stdout
    assert "forgot nora, with the blends half, morph" in said
    left = [path for top in ("data", "results", "logs", ".cache") for path in project[top].rglob("*") if path.is_file()]
    assert project["results/train/eileen/adapter.safetensors"] in left
    assert project["results/train/.stamps/train_adapter/eileen.json"] in left
    for path in left:
        assert not {"nora", "half", "morph"} & {*path.relative_to(project.folder).parts, path.stem}
        assert b"nora" not in path.read_bytes(), path

    project.change("identities", {"eileen": {"consent": "public-domain"}})
    project.change("sample.identities", ["eileen"])
    project.change("render.blends", {})
    project.change("render.batches", [{"who": ["eileen"], "videos": ["gBR*"]}])
    assert set(project.planned("all")) == {"score_renders", "summarise", "build_report"}
    for path in (path for top in ("data", "results") for path in project[top].rglob("*") if path.is_file()):
        assert b"nora" not in path.read_bytes(), path

    shutil.rmtree(project["results"])
    shutil.rmtree(project["data/.stamps"])
    shutil.rmtree(project[".cache"])
    shutil.rmtree(project["logs"])
    again = project.run(sys.executable, "-m", "facedance.privacy.forget", "nora", check=False)
    assert again.returncode == 1
    assert again.stderr.strip() == "nobody is called 'nora'; known are eileen"
