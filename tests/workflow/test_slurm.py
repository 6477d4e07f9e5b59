"""Rendering the sample on a real Slurm: through too little memory, an interruption and a kill."""

import itertools
import re
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest

from .slurm_cluster import GPUS, cluster, why_not

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(why_not() is not None, reason=str(why_not())), pytest.mark.thorough]

SLURM = ["snakemake", "--workflow-profile", "profiles/slurm", "--latency-wait", "5"]
# The tiny model needs far less than the profile asks for the published ones, and no GPU; here it is to wait for one as they do.
SLURM += ["--slurm-init-seconds-before-status-checks", "2", "--set-resources", "render_shard:gpu=1"]
ENOUGH, TOO_LITTLE = "render_shard:mem_mb=3000", "render_shard:mem_mb=100 if attempt == 1 else 3000"
SHARDS = 2


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """A project with everything but the renders, which are two people in all videos."""
    project = finished.copy(tmp_path_factory.mktemp("trained") / "p")
    project.change("render.batches", [{"who": ["eileen", "nora"], "videos": ["*"]}])
    for folder in ("results/render", "logs/render_shard"):
        shutil.rmtree(project[folder])
    assert set(project.planned("render")) == {"render_shard", "render"}
    return project


@pytest.fixture(scope="module")
def rendered_here(trained):
    """The renders of the same project without a cluster, and where its logs and benchmarks are."""
    trained.snakemake("render")
    kept = {path: path.read_bytes() for path in renders(trained)}
    made = {str(path.relative_to(trained.folder)) for kind in ("logs",) for path in notes(trained, kind)}
    shutil.rmtree(trained["results/render"])
    for kind in ("logs",):
        shutil.rmtree(trained[f"{kind}/render_shard"])
    return {str(path.relative_to(trained.folder)): content for path, content in kept.items()}, made


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("slurm") / "cluster", cpus=4, memory_mb=16000):
        yield


def test_renders_on_a_cluster_are_those_of_one_machine_whatever_happens(trained, rendered_here, slurm):
    expected, notes_expected = rendered_here
    first = sorted(manifest for manifest in wanted(trained))[0]

    trained.run(*SLURM, TOO_LITTLE, "--", first)  # killed for its memory, sent again with more
    memory = [job["MinMemoryNode"] for job in jobs()]
    assert memory == ["100M", "3000M"], jobs()
    assert [job["JobState"] for job in jobs()] == ["FAILED", "COMPLETED"], jobs()

    stopped = start(trained)
    wait_for(running, stopped)
    stopped.send_signal(signal.SIGINT)
    stopped.wait(1500)
    assert stopped.returncode != 0
    wait_for(lambda: not queued())  # an interruption cancels what was sent
    assert any(job["JobState"] == "CANCELLED" for job in jobs()), jobs()
    assert missing(trained)

    killed = start(trained)
    wait_for(running, killed)
    killed.kill()
    killed.wait(30)
    assert queued()  # nobody was left to cancel them
    wait_for(lambda: not queued())
    trained.run("snakemake", "--unlock")
    before = len(jobs())
    trained.run(*SLURM, ENOUGH, "--", "render")

    assert not missing(trained)
    assert {str(path.relative_to(trained.folder)): path.read_bytes() for path in renders(trained)} == expected
    encoded = pd.concat(pd.read_csv(path) for path in trained["results/latents/shards"].glob("*.csv"))
    assert len(expected) == 2 * (encoded["status"] == "accepted").sum() > 2 * SHARDS
    assert {str(p.relative_to(trained.folder)) for kind in ("logs",) for p in notes(trained, kind)} == notes_expected
    finished = [job for job in jobs() if job["JobState"] == "COMPLETED"]
    assert {job["TresPerJob"] for job in finished} == {"gres:gpu:1"}, finished
    assert len(jobs()) - before < 2 * SHARDS  # what was finished is not made again
    assert trained.planned("render") == {}


def test_jobs_share_the_gpus(trained, rendered_here, slurm):
    """Two jobs at a time, each with a GPU of its own."""
    started = sorted((job["StartTime"], job["EndTime"]) for job in jobs() if job["JobState"] == "COMPLETED")
    assert any(later[0] < earlier[1] for earlier, later in itertools.pairwise(started)), started
    places = [sum(a[0] <= moment < a[1] for a in started) for moment, _ in started]
    assert max(places) <= GPUS


def start(project):
    return project.start(*SLURM, ENOUGH, "--", "render")


def wanted(project):
    return [f"results/render/{who}/{shard}.csv" for who in ("eileen", "nora") for shard in shards(project)]


def shards(project):
    return sorted(path.stem for path in project["results/latents/shards"].glob("*.csv"))


def missing(project):
    return [manifest for manifest in wanted(project) if not project[manifest].exists()]


def renders(project):
    return sorted(project["results/render"].rglob("*.mp4"))


def notes(project, kind):
    return project[f"{kind}/render_shard"].rglob("*.*")


def jobs():
    """All jobs that the cluster has seen, oldest first."""
    shown = subprocess.run(["scontrol", "show", "jobs", "--oneliner"], capture_output=True, text=True, check=True).stdout
    rows = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in shown.splitlines() if line.startswith("JobId=")]
    return sorted(rows, key=lambda row: int(row["JobId"]))


def queued():
    return [job for job in jobs() if job["JobState"] in {"PENDING", "RUNNING", "COMPLETING"}]


def running():
    return [job for job in jobs() if job["JobState"] == "RUNNING"]


def wait_for(condition, process=None, seconds=1500):
    """Until the condition holds; fails when the process that should bring it about has ended."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, jobs()
        assert process is None or process.poll() is None, "the process has ended"
        time.sleep(0.3)
