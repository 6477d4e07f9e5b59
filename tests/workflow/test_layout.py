"""Every rule writes where the layout says, and a project holds nothing else."""

from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.io import strip_wildcard_constraints
from snakemake.settings.types import OutputSettings, ResourceSettings

from facedance import layout
from facedance.aist.names import sequence_name
from facedance.config.aist import AIST_TERMS
from facedance.places import find
from facedance.sample import catalogue

from .conftest import new_project

NAMES = {
    **{"identity": "eileen", "who": "half", "shard": "0000", "clip": "x_000", "variant": "face_scale~1.2", "format": "kohya"},
    **{"video": catalogue.VIDEOS[0], "sequence": catalogue.KEYPOINT_SEQUENCES[0], "model": "wan2.1-vace-1.3b"},
    **{"part": "0000", "pack": "dlib", "lora": "fast", "photo": catalogue.PHOTOS[0]},
}
FETCHED = "gBR_sBM_c01_d05_mBR0_ch01"
OF_AIST = {"fetch_aist_video": {"video": FETCHED}, "fetch_aist_keypoints": {"sequence": sequence_name(FETCHED)}}
TEMPLATES = tuple(layout.TEMPLATES.values())


@pytest.fixture
def rules(tmp_path, monkeypatch):
    """All rules, as Snakemake reads them."""
    project = new_project(tmp_path / "p")
    project.change("aist", {"accept_terms": AIST_TERMS, "videos": [FETCHED], "keypoints": True})
    project.change("render.loras", {"fast": {"repo": "some/loras", "revision": "v1", "file": "fast.safetensors", "scale": 1.0}})
    monkeypatch.syspath_prepend(project["src"])
    monkeypatch.setenv("PYTHONPATH", str(project["src"]))
    monkeypatch.chdir(project.folder)
    with SnakemakeApi(OutputSettings()) as api:
        resources = ResourceSettings(cores=1)
        workflow = api.workflow(resource_settings=resources, snakefile=project["Snakefile"], workdir=project.folder)
        yield [rule for rule in workflow._workflow.rules if rule.script]


def test_every_rule_writes_where_the_layout_says(rules):
    assert {rule.name for rule in rules} >= {*layout.JOBS}
    for rule in rules:
        assert [strip_wildcard_constraints(log) for log in rule.log] == [layout.log(rule.name)]
        if rule.benchmark:
            assert strip_wildcard_constraints(rule.benchmark) == layout.timing(rule.name)
        for output in rule.output:
            path = Path(strip_wildcard_constraints(output).format(**NAMES))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            found = [template for template in TEMPLATES for place in find(Path(), template) if place.path == path]
            assert len(found) == 1, f"{rule.name} writes {output}"


def test_every_rule_has_the_jobs_that_the_layout_says(rules):
    """Stamps, logs and timings are called after a job's wildcards, in their order."""
    for rule in (rule for rule in rules if rule.output):
        wildcards = rule.get_wildcards(strip_wildcard_constraints(rule.output[0]).format(**(NAMES | OF_AIST.get(rule.name, {}))))
        assert layout.JOBS.get(rule.name, ()) == tuple(dict(wildcards.items())), rule.name


def test_a_finished_project_holds_nothing_else(finished):
    root = finished.folder
    rules = [script.stem for script in finished["scripts"].glob("*.py")]
    of_jobs = [template for rule in rules for template in (layout.log(rule), layout.timing(rule), *layout.stamps(rule))]
    known = {place.path for template in (*TEMPLATES, *of_jobs) for place in find(root, template)}
    files = [path for top in ("data", "results", "logs", ".cache") for path in (root / top).rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [path for path in files if known.isdisjoint({path, *path.parents})] == []
