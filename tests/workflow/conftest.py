"""A copy of the project on a shrunken sample, run once; the tests change it and look at what Snakemake wants to do."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from .warm import warmed

ROOT = Path(__file__).parents[2]
COPIED = [
    "Snakefile",
    "assets",
    "rules",
    "scripts",
    "src",
    "profiles",
    "params.yaml",
    "models.yaml",
    "dvc.yaml",
    "environment.yml",
    ".dvcignore",
    "pyproject.toml",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.workflow)


@dataclass(frozen=True)
class Project:
    """A working copy with its own results.

    What is waited for runs warm, as in tests.workflow.warm; with another hash seed sets of texts have another order.
    """

    folder: Path
    hash_seed: int = 1

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = self.environment()
        if "HF_ENDPOINT" not in environment:  # it is read where the hub's library is imported
            environment = warmed(environment, self.hash_seed)
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=1500
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
            )
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        """The command in a session of its own, not waited for; what it says goes to the file started.log."""
        with open(self["started.log"], "w", encoding="utf-8") as log:
            # Whatever a shell without job control starts in the background ignores SIGINT, and hands that down.
            command = ("env", "--default-signal=INT", *command)
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment(), stdout=log, stderr=log, text=True, start_new_session=True
            )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("snakemake", "--cores", "2", *arguments, check=check)

    def planned(self, *arguments: str) -> dict[str, int]:
        """Rules that would run, with the number of their jobs."""
        done = self.snakemake("--dry-run", *arguments)
        text = done.stdout + done.stderr
        table = re.search(r"Job stats:\njob +count\n-+ +-+\n(?P<rows>.*?)\ntotal", text, re.DOTALL)
        if table is None:
            assert "Nothing to be done" in text, text[-3000:]
            return {}
        rows = (row.split() for row in table["rows"].splitlines())
        return {rule: int(count) for rule, count in rows if rule != "all"}

    def copy(self, folder: Path) -> "Project":
        """The same project elsewhere, with its modification times."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return Project(folder)

    def change(self, path: str, value: Any, file: str = "params.yaml") -> None:
        """Set one value of params.yaml or of another such file, as `section.key`."""
        values = yaml.safe_load(self[file].read_text())
        node = values
        *parents, last = path.split(".")
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
        self[file].write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))

    def values(self, path: str, file: str = "params.yaml") -> Any:
        """What params.yaml or another such file says at `section.key`."""
        node = yaml.safe_load(self[file].read_text())
        for key in path.split("."):
            node = node[key]
        return node

    def __getitem__(self, path: str) -> Path:
        return self.folder / path


def shrink(project: Project) -> None:
    """Parameters with which the whole pipeline runs in about a minute."""
    for path, value in {
        "sample.seconds": 2.0,
        "models.tiny.frames": 9,
        "clips.stretches": {"*": {"end": 0.5}},
        "train.phases": [{"steps": 3, "trains": ["face", "lora"]}, {"steps": 1, "trains": ["lora"]}],
        "train.videos": ["g*"],
        "train.photo_share": 0.8,
        "train.checkpoint_every": 2,
        "train.validate_every": 0,
        "train.batch_size": 1,
        "render.settings.steps": 2,
        "render.batches": [
            {"who": ["eileen", "nora"], "videos": ["gBR*"]},
            {"who": ["half", "morph"], "videos": ["gBR*"]},
        ],
    }.items():
        project.change(path, value)


def new_project(folder: Path, models: str | None = None) -> Project:
    """A fresh copy with the shrunken parameters, and with the folder `models` where it is here, so as not to fetch again."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    project = Project(folder)
    shrink(project)
    if models is not None and (ROOT / "models" / "pose").is_dir():
        shutil.copytree(ROOT / models, project[models])
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Project:
    """A project that has run to the end, the same one for all workers. Tests do not change it: they take `project`."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent  # of all workers
    project, done = Project(shared / "finished"), shared / "finished.done"
    with FileLock(shared / "finished.lock"):
        if not done.exists():
            new_project(project.folder, models="models").snakemake("all", "check")
            done.touch()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with its modification times."""
    return finished.copy(tmp_path / "p")
