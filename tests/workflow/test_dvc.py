"""DVC over Snakemake: revisions come back as they were recorded, and only what differs is made again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pandas as pd
import pytest
import yaml
from moto.server import ThreadedMotoServer

from .conftest import ROOT, Project

pytestmark = pytest.mark.thorough

NO_WORK = {"prune", "data", "models", "faces", "clips", "poses", "dancers", "latents", "train", "render", "evaluate", "report"}
SCORING = {"score_renders", "summarise", "build_report"}
RENDERING = {"render_shard", *SCORING}


@pytest.fixture(scope="module")
def recorded(finished, tmp_path_factory) -> Project:
    """The finished project under git and DVC, recorded and pushed to a folder. Tests do not change it: they clone it.

    One render is left of the four, so that little is computed where all are made again.
    """
    base = tmp_path_factory.mktemp("recorded")
    project = finished.copy(base / "p")
    shutil.rmtree(project["results/check"])  # looked at before a training, and recorded by nobody
    shutil.copy(ROOT / ".gitignore", project[".gitignore"])
    project.change("render.blends", {})
    shutil.rmtree(project["results/render/nora"])  # else it would count as asked for by name
    project.change("render.batches", [{"who": ["eileen"], "videos": ["gBR*"]}])
    git(project, "init", "-q", "-b", "main")
    for command in (
        ["dvc", "init", "-q"],
        ["dvc", "config", "core.analytics", "false"],
        ["dvc", "remote", "add", "-q", "--default", "folder", str(base / "remote")],
    ):
        project.run(*command)
    first = project.run("dvc", "repro")
    assert rules_run(first) - NO_WORK == SCORING, "a full run had left nothing to do but to count without the others"
    assert [path.parent.parent.name for path in project["results/render"].glob("*/*/*.mp4")] == ["eileen"]
    project.run("dvc", "push", "-q")
    commit(project, "the whole sample")
    return project


@pytest.fixture
def clone(recorded, tmp_path) -> Project:
    """A fresh clone, as on another machine: what is recorded comes from the remote, and nobody remembers the runs."""
    return cloned(recorded, tmp_path / "clone")


@pytest.fixture
def s3(monkeypatch) -> Iterator[str]:
    """Address of an S3 on this machine, with the bucket `dances`."""
    for name, value in {"ACCESS_KEY_ID": "any", "SECRET_ACCESS_KEY": "any", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="dances")
    yield f"http://{host}:{port}"
    server.stop()


def test_a_clone_has_nothing_to_do_and_then_only_what_a_parameter_touches(clone):
    assert clone.planned("all") == {}
    assert "up to date" in clone.run("dvc", "repro").stdout

    clone.change("render.settings.face_scale", 0.5)
    clone.change("render.settings.proportions", "person")  # of the faces' stage
    assert rules_run(clone.run("dvc", "repro")) - NO_WORK == {*RENDERING, "measure_proportions"}
    assert "up to date" in clone.run("dvc", "status").stdout
    sidecars = [json.loads(path.read_text()) for path in clone["results/render"].glob("*/*/default.json")]
    assert sidecars
    assert {sidecar["settings"]["face_scale"] for sidecar in sidecars} == {0.5}
    assert "face_scale: 0.5" in clone["dvc.lock"].read_text()
    assert clone.planned("all") == {}
    changed = contents(clone)
    commit(clone, "half the face")

    git(clone, "checkout", "-q", "HEAD~1")  # an older revision, and back
    bring(clone, "checkout")
    assert clone.planned("all") == {}
    assert contents(clone) != changed
    git(clone, "checkout", "-q", "main")
    bring(clone, "checkout")
    assert clone.planned("all") == {}
    assert contents(clone) == changed


def test_a_changed_module_runs_its_stages_only_in_a_clone(clone):
    module = clone["src/facedance/evaluate/temporal.py"]
    module.write_text(module.read_text() + "\nCHANGED = True\n")
    assert set(clone.planned("all")) == {"score_renders", "summarise", "build_report"}


def test_an_older_photo_in_the_place_of_another_is_recorded_with_what_is_made_of_it(clone):
    photo, other = clone["data/photos/eileen/IMG_2041.jpg"], clone["data/photos/nora/IMG_2041.jpg"]
    shutil.copy(other, photo)
    os.utime(photo, (10**9, 10**9))
    planned = clone.planned("all")
    assert (planned["embed_faces"], planned["encode_photos"], planned["train_adapter"]) == (1, 1, 1)
    assert "cut_clips" not in planned
    assert {"embed_faces", "train_adapter"} <= rules_run(clone.run("dvc", "repro"))
    assert clone.planned("all") == {}


def test_fewer_people_and_videos_leave_nothing_of_the_others(clone):
    values = yaml.safe_load(clone["params.yaml"].read_text())
    del values["identities"]["nora"]
    values["render"]["batches"][0]["videos"] = ["*"]
    values["sample"] |= {"enabled": False, "identities": []}
    for record in [*clone["data"].rglob(".sample")]:  # without it the photos and videos are the user's
        shutil.rmtree(record)
    clone["params.yaml"].write_text(yaml.safe_dump(values))
    *_, lost = sorted(clone["data/videos"].glob("*.mp4"))
    lost.unlink()
    done = clone.run("dvc", "repro")
    assert "train_adapter" in rules_run(done), "a dancer is one fewer"
    left = [path for path in clone["results"].rglob("*") if {"nora", "half", "morph"} & {*path.parts, *path.stem.split(".")}]
    assert left == []
    assert not any(lost.stem in path.name for path in clone["results"].rglob("*"))
    metrics = pd.read_csv(clone["results/evaluate/metrics.csv"])
    assert set(metrics["identity"]) == {"eileen"}
    assert not metrics["clip"].str.startswith(lost.stem).any()
    assert clone.planned("all") == {}


def test_weights_lie_on_the_disk_once_when_they_are_linked(clone):
    weights, video = (
        clone["models/tiny/transformer/diffusion_pytorch_model.safetensors"],
        next(clone["data/videos"].glob("*.mp4")),
    )
    before = weights.stat()
    clone.run("make", "-f", str(ROOT / "Makefile"), "link", f"BIN={Path(sys.executable).parent}")
    assert (before.st_nlink, weights.stat().st_nlink, video.stat().st_nlink) == (1, 2, 1)
    assert weights.stat().st_mtime == before.st_mtime
    assert rules_run(clone.run("dvc", "repro")) <= NO_WORK


def test_an_experiment_is_compared_with_what_it_began_from(clone):
    done = clone.run("dvc", "exp", "run", "-n", "stronger", "-S", "render.settings.face_scale=1.5")
    assert rules_run(done) - NO_WORK == RENDERING
    (difference,) = json.loads(clone.run("dvc", "params", "diff", "--json").stdout).values()
    assert difference == {"render.settings.face_scale": {"old": 1.0, "new": 1.5, "diff": 0.5}}
    metrics = json.loads(clone.run("dvc", "metrics", "diff", "--json").stdout)["results/evaluate/metrics.json"]
    distances = {f"renders.eileen.default.{whose}_distance" for whose in ("identity", "nearest_other")}
    assert distances & metrics.keys()  # one of them may stay the same to four digits
    assert "stronger" in clone.run("dvc", "exp", "list").stdout
    clone.run("dvc", "plots", "diff", "--out", "plots", "HEAD")
    page = clone["plots/index.html"].read_text()
    assert all(title in page for title in ("Training loss", "Distance of each render to its person", "PCK of each render"))


def test_an_s3_gives_back_what_was_pushed(recorded, s3, tmp_path):
    project = recorded.copy(tmp_path / "p")
    project.run("dvc", "remote", "add", "-q", "--default", "s3", "s3://dances/facedance")
    project.run("dvc", "remote", "modify", "s3", "endpointurl", s3)
    project.run("dvc", "push", "-q")
    commit(project, "keep it in S3")
    clone = cloned(project, tmp_path / "clone")
    assert contents(clone) == contents(recorded)
    assert clone.planned("all") == {}


def cloned(project: Project, folder: Path) -> Project:
    """A clone with what DVC's remote holds."""
    subprocess.run(["git", "clone", "-q", str(project.folder), str(folder)], check=True)
    bring(Project(folder), "pull")
    return Project(folder)


def git(project: Project, *command: str) -> None:
    project.run("git", "-c", "user.email=test@example.org", "-c", "user.name=test", "-c", "advice.detachedHead=false", *command)


def commit(project: Project, message: str) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-qm", message)


def bring(project: Project, target: str) -> None:
    """`make pull` or `make checkout`, with this environment in place of one of the project's own."""
    venv = Path(sys.executable).parents[1]
    project.run("make", "-f", str(ROOT / "Makefile"), f"VENV={venv}", "-o", "install", target)


def contents(project: Project) -> dict[str, bytes]:
    """Everything under results/, but for the measured times."""
    files = (path for path in project["results"].rglob("*") if path.is_file() and path.name != "metrics.csv")
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in files}


def rules_run(done: subprocess.CompletedProcess[str]) -> set[str]:
    lines = (done.stdout + done.stderr).splitlines()
    return {line.split("Rule: ")[1].rstrip(")") for line in lines if "Finished jobid" in line and "Rule: " in line}
