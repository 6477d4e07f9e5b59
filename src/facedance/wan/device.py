"""What to do where there is no GPU, or a full one. A published model is far too slow on a CPU, so none starts there unseen."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import torch

from facedance.config.sections import WanModel
from facedance.job import InputError

ALLOW_CPU = "FACEDANCE_ALLOW_CPU"
"""The environment variable that, set to 1, lets a published model run on the CPU."""

_DRIVER = Path("/proc/driver/nvidia/version")


@contextlib.contextmanager
def out_of_memory_means(advice: str) -> Iterator[None]:
    """Turns torch's exception for a full GPU into a sentence with the advice.

    Raises:
        InputError: the GPU is full.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise InputError(f"the GPU has no room for this: {advice}; `make plan` tells what fits") from None


def room_to_encode(out: Path) -> contextlib.AbstractContextManager[None]:
    """`out_of_memory_means` for a job that encodes, and writes `out`: unlike for a render, one can wait for a CPU there.

    Raises:
        InputError: the GPU is full.
    """
    return out_of_memory_means(f"end what else computes on it, or encode on the CPU: {on_cpu(out)}")


def on_cpu(target: Path | str) -> str:
    """The command that makes a file of the project on the CPU, although there is a GPU."""
    return f"CUDA_VISIBLE_DEVICES= {ALLOW_CPU}=1 snakemake --cores all {target}"


def refuse_slow_cpu(wan: WanModel) -> None:
    """Raise InputError where torch has no GPU for a published model, unless FACEDANCE_ALLOW_CPU is 1."""
    if (wan.repo or wan.folder) and os.environ.get(ALLOW_CPU) != "1":
        raise InputError(cpu_refusal(torch.__version__, torch.version.cuda, driver_version()))


def cpu_refusal(build: str, cuda: str | None, driver: str | None) -> str:
    """The sentence for a torch of this build, for this CUDA (None: for none), beside this NVIDIA driver (None: there is none)."""
    if driver is None:
        remedy = "run it where there is an NVIDIA GPU with driver 580 or newer, which CUDA 13 needs"
    elif cuda is None:
        remedy = "install the build for CUDA 13, which needs driver 580 or newer (make install LOCK=requirements/gpu.txt)"
    else:
        remedy = "update the driver if it is older than 580, which CUDA 13 needs, or give the job a GPU"
    return (
        f"torch {build} ({f'CUDA {cuda}' if cuda else 'no CUDA'}) sees no GPU (NVIDIA driver: {driver or 'none'}), and on a CPU "
        f"a published model is far too slow: {remedy}; {ALLOW_CPU}=1 runs it on the CPU all the same"
    )


def driver_version() -> str | None:
    """The NVIDIA driver's version, such as "580.65.06", or None where there is none."""
    if _DRIVER.is_file():
        said = _DRIVER.read_text(encoding="utf-8")
        found = re.search(r"\b\d{3,}\.[\d.]+", said)
        return found.group() if found else "unknown"
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.split("\n", 1)[0].strip() or None
