"""The project that a command works in: that of the current folder, with what it lacks taken from beside the program."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import facedance
from facedance.config.params import Params, load
from facedance.job import InputError

HOME = Path(facedance.__file__).parents[2]
"""Where the Snakefile is, if the program runs from its own folder."""

_SAYS_CORES = ("--cores", "-c", "--jobs", "-j", "--profile", "--workflow-profile")


def parameters() -> Params:
    """params.yaml and models.yaml, checked. Raises InputError where they are missing or wrong."""
    try:
        return load(Path("params.yaml"), otherwise=HOME)
    except ValueError as error:
        raise InputError(str(error)) from None


def snakemake(targets: Sequence[str], options: Sequence[str]) -> int:
    """Run Snakemake for the targets, on all cores where the options do not say; its exit code.

    Raises:
        InputError: there is no Snakefile.
    """
    command = [sys.executable, "-m", "snakemake", *targets]
    if not Path("Snakefile").is_file():
        if not (HOME / "Snakefile").is_file():
            raise InputError("there is no Snakefile here: go to the folder of facedance that was cloned")
        command += ["--snakefile", str(HOME / "Snakefile")]
    if not any(option.startswith(_SAYS_CORES) for option in options):
        command += ["--cores", "all"]
    with subprocess.Popen([*command, *options]) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # Snakemake has got it as well, and ends when its jobs have
                continue
