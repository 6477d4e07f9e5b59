"""Warm processes end as those do that they stand for."""

import signal
import subprocess
import sys

import pytest

from .conftest import Project
from .warm import warmed


@pytest.fixture
def run(tmp_path):
    """Run a script as a job's, with the folder as its own; gives its status, output and errors."""
    scripts = tmp_path / ".snakemake" / "scripts"
    scripts.mkdir(parents=True)
    environment = warmed(Project(tmp_path).environment(), hash_seed=1)

    def run(text):
        (scripts / "job.py").write_text(text)
        command = ["python", str(scripts / "job.py")]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_script_has_its_folder_and_environment_and_ends_as_it_would_alone(run, tmp_path):
    text = "import os, sys\nprint(os.getcwd(), sys.argv, __name__, sorted({'a', 'b'}), 'torch' in sys.modules)\nsys.exit(3)"
    status, said, _ = run(text)
    assert (status, said) == (3, f"{tmp_path} ['{tmp_path}/.snakemake/scripts/job.py'] __main__ ['a', 'b'] True\n")
    assert run("import atexit\natexit.register(print, 'last')") == (0, "last\n", "")
    assert run("raise SystemExit('a sentence')") == (1, "", "a sentence\n")
    status, _, errors = run("raise KeyError('x')")
    assert (status, errors.splitlines()[-1]) == (1, "KeyError: 'x'")
    assert run("import os\nos.kill(os.getpid(), 9)")[0] == -signal.SIGKILL % 256


def test_what_is_no_script_of_a_job_starts_as_ever(tmp_path):
    environment = warmed(Project(tmp_path).environment(), hash_seed=1)
    command = ["python", "-c", "import sys; print(sys.executable, 'torch' in sys.modules)"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{sys.executable} False\n"
