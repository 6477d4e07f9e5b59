"""A published model is far too slow on a CPU, so none starts there unseen."""

import os
import re
import subprocess
from pathlib import Path

import torch

from facedance.config.sections import WanModel
from facedance.job import InputError

ALLOW_CPU = "FACEDANCE_ALLOW_CPU"
"""The environment variable that, set to 1, lets a published model run on the CPU."""

_DRIVER = Path("/proc/driver/nvidia/version")


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
