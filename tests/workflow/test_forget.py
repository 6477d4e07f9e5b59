"""Forgetting a person in a real project."""

import shutil
import sys

from .conftest import new_project


def test_stamps_as_snakemake_writes_them_are_forgotten_and_the_rest_can_be_planned(tmp_path):
    """A dry run writes all stamps, which is all that is needed here."""
    project = new_project(tmp_path / "p")
    before = project.planned("all")
    eileen = project["results/faces/stamps/embed_faces.eileen.json"]
    assert eileen.exists()

    said = project.run(sys.executable, "-m", "facedance.privacy.forget", "nora").stdout
    assert "forgot nora, with the blends half, morph" in said
    assert eileen.exists()
    left = [path for path in project["results"].rglob("*") if path.is_file()]
    assert left
    for path in left:
        assert not {"nora", "half", "morph"} & {*path.parts, *path.name.split(".")}
        assert "nora" not in path.read_text(), path

    project.change("identities", {"eileen": {"consent": "public-domain"}})
    project.change("sample.identities", ["eileen"])
    project.change("render.blends", {})
    project.change("render.batches", [{"who": ["eileen"], "videos": ["gBR*"]}])
    after = project.planned("all")
    assert (before["embed_faces"], after["embed_faces"]) == (2, 1)
    assert "nora" not in "".join(path.read_text() for path in project["results"].rglob("*.json"))

    shutil.rmtree(project["results"])
    again = project.run(sys.executable, "-m", "facedance.privacy.forget", "nora", check=False)
    assert again.returncode == 1
    assert again.stderr.strip() == "nobody is called 'nora'; known are eileen"
