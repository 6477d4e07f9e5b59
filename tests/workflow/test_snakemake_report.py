"""`snakemake --report`: one file with the tables and pictures that the rules mark, and how long each step took."""

import base64
import json
import re

import pytest

PEOPLE = ("eileen", "nora")
MARKED = {
    "faces": [f"results/faces/{name}/{file}" for name in PEOPLE for file in ("photos.csv", "reference.png", "crops.png")],
    "clips": ["results/clips/clips.csv"],
    "train": [f"results/train/{name}/{file}.csv" for name in PEOPLE for file in ("metrics", "validation")],
    "evaluate": [f"results/evaluate/{name}.csv" for name in ("metrics", "pose_accuracy", "seconds")],
    "report": ["results/report/index.html"],
}


def variable(page, name):
    return json.loads(re.search(rf"<script id=\"{name}\">\s*var \w+ = (.*?);?\n", page)[1])


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    return finished.copy(tmp_path_factory.mktemp("report") / "p")


@pytest.fixture(scope="module")
def page(project):
    # No network: whatever the report would fetch is refused.
    project.run("env", "https_proxy=http://127.0.0.1:9", "http_proxy=http://127.0.0.1:9",
                "snakemake", "--cores", "1", "--report", "report.html")  # fmt: skip
    return project["report.html"].read_text(encoding="utf-8")


def test_the_report_holds_every_marked_file_with_its_caption(project, page):
    results, categories = variable(page, "results"), variable(page, "categories")
    assert {name: sorted(file for files in group.values() for file in files) for name, group in categories.items()} == {
        name: sorted(files) for name, files in MARKED.items()
    }
    for path, entry in results.items():
        assert base64.b64decode(entry["data_uri"].partition("base64,")[2]) == project[path].read_bytes(), path
        assert entry["labels"]["shows"], path
        assert re.search(r"<p>[A-Z].*\.</p>", entry["caption"], re.DOTALL), path
    assert "The photos of nora" in results["results/faces/nora/photos.csv"]["caption"]


def test_the_report_tells_how_long_each_rule_took(page):
    times = {entry["rule"]: entry["runtime"] for entry in variable(page, "runtimes")["data"]["values"]}
    assert {"embed_faces", "train_adapter", "render_shard", "build_report"} <= set(times)
    assert all(seconds >= 0 for seconds in times.values())


def test_the_report_loads_nothing_from_the_network(page):
    assert not re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?https?:[^>]*>""", page)
