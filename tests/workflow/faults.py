"""Faults at drawn moments in every stage, and whether the next run puts everything right.

usage: python -m tests.workflow.faults --count 40 --first-seed 0     (on the shrunken sample; half a minute to a minute each)
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from .conftest import Project, new_project
from .test_reproducible import digests


@dataclass(frozen=True)
class Stage:
    """Where the products of a stage lie, and its rules."""

    folder: str
    rules: tuple[str, ...]


STAGES = {
    "faces": Stage("results/faces", ("embed_faces", "embed_identity")),
    "clips": Stage("results/clips", ("cut_clips", "list_clips")),
    "poses": Stage("results/poses", ("extract_poses",)),
    "dancers": Stage("results/dancers", ("embed_dancers",)),
    "latents": Stage("results/latents", ("encode_prompts", "encode_clips", "encode_photos")),
    "train": Stage("results/train", ("train_adapter",)),
    "render": Stage("results/render", ("render_shard",)),
    "evaluate": Stage("results/evaluate", ("score_renders", "measure_pose_accuracy", "summarise")),
    "report": Stage("results/report", ("build_report",)),
}
START = 2.5  # seconds until Snakemake starts its first job
HOUR = 3600


@dataclass(frozen=True)
class Fault:
    """What goes wrong, in which stage, and when: `moment` is a share of the time that the stage takes."""

    kind: str
    stage: str
    moment: float

    @classmethod
    def drawn(cls, seed: int) -> "Fault":
        """Kinds and stages in turn, so that few seeds meet many pairs of them; the moment by chance."""
        kinds, stages = list(KINDS), list(STAGES)
        return cls(kinds[seed % len(kinds)], stages[seed % len(stages)], random.Random(seed).uniform(0.05, 0.95))

    def after(self, seconds: float) -> float:
        """Seconds from the start of a run of the stage, whose jobs take so many."""
        return START + self.moment * seconds


def suffer(project: Project, fault: Fault) -> None:
    """Remake the fault's stage, and let it happen in the middle."""
    seconds = stage_seconds(project, fault.stage)
    if fault.kind != "record damaged":
        _remove(project, fault.stage)
    KINDS[fault.kind](project, fault, fault.after(seconds))


def violations(project: Project, fault: Fault, expected: dict[str, str]) -> list[str]:
    """Run on to the end, and tell what is not as if nothing had happened.

    The stage is asked for too: where the page is newer than all that is there, Snakemake does not miss what was taken away.
    """
    project.snakemake("--unlock")
    project.snakemake(fault.stage, "all")
    found = digests(project)
    wrong = [f"{name} differs" for name in expected if name in found and found[name] != expected[name]]
    wrong += [f"{name} is missing" for name in sorted(set(expected) - set(found))]
    wrong += [f"{name} is left over" for name in sorted(set(found) - set(expected))]
    if planned := project.planned(fault.stage, "all"):
        wrong.append(f"the next run would make {planned}")
    return wrong


def _main_killed(project: Project, fault: Fault, wait: float) -> None:
    main = _under_way(project, fault, wait)
    main.kill()
    main.wait()
    _let_end(main.pid)  # its jobs go on without it


def _job_killed(project: Project, fault: Fault, wait: float) -> None:
    main = _under_way(project, fault, wait)
    _kill_one(_jobs(main))
    main.wait()


def _worker_killed(project: Project, fault: Fault, wait: float) -> None:
    main = _under_way(project, fault, wait)
    _kill_one([child for job in _jobs(main) for child in job.children(recursive=True)] or _jobs(main))
    main.wait()


def _power_lost(project: Project, fault: Fault, wait: float) -> None:
    """Everything stops at once, and of files that were being written half is there."""
    main = _under_way(project, fault, wait)
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()
    _let_end(main.pid)
    for part in project["results"].rglob("*.part*"):
        if part.is_file():
            os.truncate(part, part.stat().st_size // 2)


def _two_runs(project: Project, fault: Fault, wait: float) -> None:
    main = _under_way(project, fault, wait)
    second = project.snakemake(fault.stage, check=False)
    main.wait()
    if second.returncode and "locked" not in (text := second.stdout + second.stderr).lower():
        raise AssertionError(f"the second run failed for another reason than the first one's lock:\n{text[-2000:]}")


def _record_damaged(project: Project, fault: Fault, wait: float) -> None:
    """Bytes of one kept product or record change, and the stage is made again from what it has kept."""
    folder = project[STAGES[fault.stage].folder]
    kept = sorted(path for path in folder.rglob("*") if path.is_file() and ".stamps" not in path.parts)
    victim = kept[int(fault.moment * len(kept))]
    content = bytearray(victim.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 16] = bytes(16)
    victim.write_bytes(content)
    project.snakemake("--forcerun", *STAGES[fault.stage].rules, "--", fault.stage)


def _clock_set_back(project: Project, fault: Fault, wait: float) -> None:
    """All that is there was made an hour from now."""
    for path in (path for folder in ("assets", "data", "models", "results", "logs") for path in project[folder].rglob("*")):
        if path.is_file():
            later = path.stat().st_mtime + HOUR
            os.utime(path, (later, later))
    project.snakemake(fault.stage)


KINDS: dict[str, Callable[[Project, Fault, float], None]] = {
    "Snakemake killed": _main_killed,
    "job killed": _job_killed,
    "worker killed": _worker_killed,
    "power lost": _power_lost,
    "two runs at once": _two_runs,
    "record damaged": _record_damaged,
    "clock set back": _clock_set_back,
}


def _under_way(project: Project, fault: Fault, wait: float) -> subprocess.Popen[str]:
    """A run of the stage after `wait` seconds; one that ends by itself before is made again, and met after half of them."""
    while True:
        process = project.start("snakemake", "--cores", "2", fault.stage)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            return process
        if process.returncode:
            raise AssertionError(f"{fault.stage} failed by itself: see {project['started.log']}")
        _remove(project, fault.stage)
        wait /= 2


def _jobs(main: subprocess.Popen[str]) -> list[psutil.Process]:
    """The scripts that run at present."""
    if main.poll() is not None:
        return []
    return [p for p in psutil.Process(main.pid).children(recursive=True) if any(".snakemake/scripts" in a for a in _line(p))]


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _kill_one(processes: list[psutil.Process]) -> None:
    if processes:
        processes[0].kill()


def _let_end(session: int, seconds: float = 1500) -> None:
    """Wait until nothing of the session is left."""
    end = time.monotonic() + seconds
    while any(_session_of(pid) == session for pid in psutil.pids()):
        if time.monotonic() > end:
            raise AssertionError(f"processes of session {session} go on after {seconds} s")
        time.sleep(0.1)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def stage_seconds(project: Project, stage: str) -> float:
    """How long the stage's jobs took in the project's last run, one after the other."""
    records = [path for path in project["logs"].rglob("*.tsv") if {path.stem, *path.parts} & set(STAGES[stage].rules)]
    return sum(float(path.read_text().splitlines()[1].split("\t")[0]) for path in records)


def _remove(project: Project, stage: str) -> None:
    """What the stage has made, a training's checkpoints included."""
    shutil.rmtree(project[STAGES[stage].folder])
    if stage == "train":
        shutil.rmtree(project[".cache/training"])


def main() -> None:
    """Print a table of faults and what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        finished = new_project(Path(name) / "finished", models="models")
        finished.snakemake("all")
        expected, bad = digests(finished), 0
        print("| seed | fault | stage | then |\n| --- | --- | --- | --- |", flush=True)
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.count):
            fault = Fault.drawn(seed)
            project = finished.copy(Path(name) / "p")
            suffer(project, fault)
            wrong = violations(project, fault, expected)
            bad += bool(wrong)
            outcome = "; ".join(wrong) or "the same bytes"
            print(f"| {seed} | {fault.kind} | {fault.stage} | {outcome} |", flush=True)
            shutil.rmtree(project.folder)
    print(f"\n{arguments.count - bad} of {arguments.count} ended in the bytes of an undisturbed run.")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
