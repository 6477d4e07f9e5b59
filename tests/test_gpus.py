"""Each job on a machine takes a GPU of its own, whoever has used it before."""

import contextlib
import ctypes
import fcntl
import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest

from facedance import gpus
from facedance.job import InputError

visible = gpus._visible
NAMES = ["00000000-1111-2222-3333-444444444444", "55555555-6666-7777-8888-999999999999"]


@pytest.fixture(autouse=True)
def locks(monkeypatch, tmp_path):
    """The locks of two GPUs on a machine, as a process sees it that has none yet."""
    monkeypatch.setattr(gpus, "_visible", lambda: NAMES)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gpus.own_gpu.cache_clear()
    yield [tmp_path / f"facedance-gpu-{name}.lock" for name in NAMES]
    gpus.own_gpu.cache_clear()


@contextlib.contextmanager
def taken(lock):
    """Another job has this GPU."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_job_takes_a_gpu_that_is_free_and_keeps_it(locks):
    with taken(locks[0]):
        assert gpus.own_gpu() == 1
    assert gpus.own_gpu() == 1
    gpus.own_gpu.cache_clear()  # as in another process
    assert gpus.own_gpu() == 0
    gpus.own_gpu.cache_clear()
    assert gpus.own_gpu() is None


def test_one_that_has_found_none_asks_no_more(locks):
    """Else the parts of a model would come to lie on two."""
    with taken(locks[0]), taken(locks[1]):
        assert gpus.own_gpu() is None
    assert gpus.own_gpu() is None


def test_a_gpu_that_another_user_has_used_is_free(locks, monkeypatch):
    asked = []
    monkeypatch.setattr(fcntl, "flock", lambda file, _: asked.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE))
    locks[0].touch(0o444)
    assert gpus.own_gpu() == 0
    assert asked == [os.O_RDONLY]


def test_whoever_comes_next_may_read_the_lock(locks):
    before = os.umask(0o077)
    try:
        assert gpus.own_gpu() == 0
    finally:
        os.umask(before)
    assert locks[0].stat().st_mode & 0o777 == 0o644


def test_a_lock_that_cannot_be_opened_is_told(locks):
    locks[0].symlink_to(locks[0])
    with pytest.raises(InputError, match=r"facedance-gpu-0.*\.lock, .* cannot be locked .*: have it removed, or set TMPDIR"):
        gpus.own_gpu()


def driver(found, fails=""):
    """What of CUDA's driver is called, where it finds these GPUs; or its function `fails`."""

    def count(there):
        there._obj.value = len(found)

    def get(device, number):
        device._obj.value = 10 + number

    def name(into, device):
        into[:] = bytes.fromhex(found[device.value - 10].replace("-", ""))

    calls = {"cuInit": lambda _: None, "cuDeviceGetCount": count, "cuDeviceGet": get, "cuDeviceGetUuid_v2": name}

    def answered(call):
        return lambda *given: 100 if call == fails else calls[call](*given) or 0

    return SimpleNamespace(**{call: answered(call) for call in calls})


def test_the_driver_tells_which_gpus_there_are(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver(NAMES))
    assert visible() == NAMES


@pytest.mark.parametrize("fails", ["cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetUuid_v2"])
def test_a_driver_that_fails_has_none(monkeypatch, fails):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver(NAMES, fails))
    assert visible() == []


def test_without_a_driver_there_is_none(monkeypatch):
    monkeypatch.setattr(gpus, "_DRIVER", "libno_such_driver.so.1")
    assert visible() == []


def test_a_job_of_faces_loads_no_torch():
    program = "import sys; import facedance.faces.insightface_backend; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
