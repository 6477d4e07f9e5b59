"""The benchmark for a machine with a GPU: what fails costs its own row alone, and all of it runs at small size on a CPU."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import on_gpu

ROOT = Path(__file__).parents[1]


def found(**more):
    return SimpleNamespace(**{"seconds": 2.0, "work": 3.0, "predicted": None, "note": "", **more})


def broken():
    raise RuntimeError("the kernel is missing\nread the manual")


def good(small):
    yield "first", lambda: found(predicted=2**30, note=f"small: {small}")
    yield "second", broken
    yield "third", found


def halfway(small):
    yield "first", found
    broken()


@pytest.fixture
def parts(monkeypatch):
    """The parts of this file in place of the real ones."""
    names = {"good": "good", "halfway": "halfway", "absent": "no_such_function"}
    places = {name: on_gpu.Part(f"{__name__}:{function}", 9.0) for name, function in names.items()}
    monkeypatch.setattr(on_gpu, "forget", lambda: None)  # in a process full of tests that takes a second
    monkeypatch.setattr(on_gpu, "PARTS", places | {"unknown": on_gpu.Part("no_such_module:parts", 9.0)})


def rows(part, ends=float("inf")):
    return [(row.name, row.seconds, row.note) for row in on_gpu.rows_of(part, True, ends)]


def test_a_row_that_fails_says_why_and_the_next_goes_on(parts):
    assert rows("good") == [
        ("first", 2.0, "small: True"),
        ("second", None, "RuntimeError: the kernel is missing"),
        ("third", 2.0, ""),
    ]


@pytest.mark.parametrize(
    ("part", "before", "why"),
    [("halfway", 1, "RuntimeError: the kernel"), ("absent", 0, "AttributeError"), ("unknown", 0, "ModuleNotFoundError")],
)
def test_a_part_that_fails_ends_with_a_row(parts, part, before, why):
    *earlier, (name, _, note) = rows(part)
    assert len(earlier) == before
    assert name == "the rest"
    assert note.startswith(why)


def test_where_no_time_is_left_a_row_says_so(parts):
    assert rows("good", ends=0.0) == [("the rest", None, "no time was left")]


def test_the_table_tells_speed_and_share(parts, tmp_path):
    given = SimpleNamespace(out=tmp_path, peak=6.0, small=True)
    on_gpu.write(given, list(on_gpu.rows_of("good", True, float("inf"))), 7.0)
    table, kept = (tmp_path / "results.md").read_text(), json.loads((tmp_path / "results.json").read_text())
    assert "| good | first | 2 | 1.5 | 25% |  | 1.00 | small: True |" in table
    assert "| good | second |  |  |  |  |  | RuntimeError: the kernel is missing |" in table
    assert (kept["ceiling"], [row["work"] for row in kept["rows"]]) == (6.0, [3.0, None, 3.0])


def test_every_wheel_that_is_carried_is_locked():
    script = (ROOT / "benchmarks" / "gpu_wheels.sh").read_text()
    (names,) = re.findall(r"^for name in (.+?); do$", script, re.MULTILINE | re.DOTALL)
    locked = {line.partition("==")[0].lower() for line in (ROOT / "requirements" / "common.txt").read_text().splitlines()}
    assert {name.lower() for name in names.replace("\\", " ").split()} - locked == set()


@pytest.mark.thorough
def test_two_parts_run_at_small_size_without_what_such_a_machine_lacks(tmp_path):
    for package in ("av", "decord", "face_recognition_models", "insightface", "mediapipe"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('not carried')")
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "on_gpu.py"),
        "--small",
        "--parts",
        "clips",
        "video",
        "--out",
        str(tmp_path),
    ]
    places = os.pathsep.join([str(tmp_path), str(ROOT / "src")])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=True)
    found = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert {row["part"] for row in found} == {"clips", "video"}
    assert all(row["seconds"] and row["work"] and row["predicted"] for row in found), done.stdout
