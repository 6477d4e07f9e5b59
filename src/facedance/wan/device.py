"""Which GPU a job computes on. A published model is far too slow on a CPU, so nothing starts there unseen."""

import contextlib
import fcntl
import functools
import os
import re
import subprocess
import tempfile
from pathlib import Path

import torch

from facedance.config.sections import WanModel
from facedance.job import InputError

ALLOW_CPU = "FACEDANCE_ALLOW_CPU"
"""The environment variable that, set to 1, lets a published model run on the CPU."""

_DRIVER = Path("/proc/driver/nvidia/version")


@functools.cache
def own_gpu() -> int | None:
    """The number of a GPU that no other job on this machine has taken; it is this process's from now on. None: all are taken.

    Raises:
        InputError: a GPU's lock can be neither made nor opened.
    """
    for number in range(torch.cuda.device_count()):
        if _take(str(torch.cuda.get_device_properties(number).uuid)):
            return number
    return None


def _take(uuid: str) -> bool:
    """Whether a GPU was free; its lock goes with this process. UUIDs tell, as jobs may see a GPU under different numbers."""
    path = Path(tempfile.gettempdir()) / f"facedance-gpu-{uuid}.lock"
    try:
        with contextlib.suppress(FileExistsError):
            path.touch(exist_ok=False)
            path.chmod(0o644)  # whoever comes next may be another user, who must not write there and need not
        lock = os.open(path, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    except OSError as error:
        raise InputError(
            f"{path}, which tells other jobs that a GPU is taken, cannot be locked ({error.strerror}): "
            "have it removed, or set TMPDIR to a folder on this machine's disk"
        ) from None
    return True


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
