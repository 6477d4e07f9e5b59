"""Which GPU a job computes on: one that no other job here has. The driver is asked, as many jobs load no torch."""

import contextlib
import ctypes
import fcntl
import functools
import os
import tempfile
import uuid
from pathlib import Path

from facedance.job import InputError

_DRIVER = "libcuda.so.1"


@functools.cache
def own_gpu() -> int | None:
    """The number of a GPU that no other job has taken, as torch and onnxruntime count; it is this process's from now on.

    Returns:
        None where there is none, or all are taken.

    Raises:
        InputError: a GPU's lock can be neither made nor opened.
    """
    return next((number for number, name in enumerate(_visible()) if _take(name)), None)


def _visible() -> list[str]:
    """The UUIDs of the GPUs that this process sees, in CUDA's order."""
    try:
        cuda = ctypes.CDLL(_DRIVER)
    except OSError:
        return []
    count, device, name = ctypes.c_int(), ctypes.c_int(), (ctypes.c_ubyte * 16)()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return []
    names = []
    for number in range(count.value):
        if cuda.cuDeviceGet(ctypes.byref(device), number) or cuda.cuDeviceGetUuid_v2(name, device):
            return []
        names.append(str(uuid.UUID(bytes=bytes(name))))
    return names


def _take(name: str) -> bool:
    """Whether a GPU was free; its lock goes with this process. UUIDs tell, as jobs may see a GPU under different numbers."""
    path = Path(tempfile.gettempdir()) / f"facedance-gpu-{name}.lock"
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
