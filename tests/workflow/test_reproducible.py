"""Two runs from scratch give the same bytes."""

import hashlib
from dataclasses import replace

import pandas as pd
import pytest

from .conftest import new_project

pytestmark = pytest.mark.thorough

TIMED = {"metrics.csv"}  # of training: its seconds are measured


def digests(project):
    files = (p for top in ("data", "models", "results") for p in project[top].rglob("*") if p.is_file())
    named = {str(p.relative_to(project.folder)): p for p in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if not (name.startswith("results/train/") and path.name in TIMED) and "/.snakemake_timestamp" not in name
    }


def test_two_runs_from_scratch_give_the_same_bytes(finished, tmp_path):
    again = new_project(tmp_path / "again", models="models/pose")  # a download, checked against its digest
    again = replace(again, hash_seed=2)
    again.snakemake("all", "check")
    first, second = digests(finished), digests(again)
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
    for identity in ("eileen", "nora"):
        tables = [pd.read_csv(p[f"results/train/{identity}/metrics.csv"]).drop(columns="seconds") for p in (finished, again)]
        pd.testing.assert_frame_equal(*tables)
