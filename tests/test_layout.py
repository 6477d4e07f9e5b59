"""The layout holds together, the docs tell of each file, and each file is planted for the tests of prune and forget."""

import re
from pathlib import Path

import pytest

from facedance import layout
from facedance.places import find
from tests import planted

ROOT = Path(__file__).parents[1]
WILDCARD = re.compile(r"\{(\w+)\}")
OF_JOBS = [template for rule in layout.JOBS for template in (layout.log(rule), layout.timing(rule), *layout.stamps(rule))]


@pytest.mark.parametrize("template", sorted({*layout.TEMPLATES.values(), *OF_JOBS}))
def test_a_part_of_a_path_holds_one_name_at_most(template):
    assert all(len(WILDCARD.findall(part)) <= 1 for part in template.split("/"))
    assert len(set(WILDCARD.findall(template))) == len(WILDCARD.findall(template))


def test_the_docs_tell_of_each_file():
    text = (ROOT / "docs/architecture.md").read_text().split("## The files\n")[1].split("\n## ")[0]
    told = []
    for section in text.split("\n### ")[1:]:
        folder, *lines = section.splitlines()
        rows = [re.fullmatch(r"\| `([^`]+)` \| (\S.*) \|", line) for line in lines if line.startswith("| `")]
        told += [(Path(folder.strip("`")) / row[1]).as_posix() for row in rows]
    of_jobs = [layout.of_job(folder, "<rule>", ["<job>"], ".json") for folder in layout.STAMPS]
    of_jobs += [layout.of_job("logs", "<rule>", ["<job>"], suffix) for suffix in (".log", ".tsv")]
    assert sorted(told) == sorted(WILDCARD.sub(r"<\1>", template) for template in (*layout.TEMPLATES.values(), *of_jobs))


def test_each_file_is_planted(tmp_path):
    files = dict(
        [
            *planted.of_nobody(),
            *planted.of_everybody(),
            *planted.brought(("ann",), ("dance",)),
            *planted.of_person("ann"),
            *planted.of_renders("half", "0001"),
            *planted.of_render("half", "dance_000", "default"),
            *planted.of_clip("dance_000"),
            *planted.of_video("dance"),
            *planted.of_shard("0001"),
            *planted.of_part("0001"),
        ]
    )
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for rule in layout.JOBS:
        for template in (layout.log(rule), layout.timing(rule)):
            assert any(find(tmp_path, template)), template
        assert any(place for template in layout.stamps(rule) for place in find(tmp_path, template)), rule
    for template in layout.TEMPLATES.values():
        assert any(find(tmp_path, template)), template
