"""A published model is not run on a CPU unasked."""

import contextlib
import fcntl
import os
import tempfile
from types import SimpleNamespace

import pytest
import torch

from facedance.job import InputError
from facedance.wan import device
from facedance.wan.load import choose_device
from tests.train.training_world import WAN

PUBLISHED = WAN.model_copy(update={"repo": "Wan-AI/Wan2.1-VACE-1.3B-diffusers", "revision": "main"})
OPEN_DRIVER = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (builder@host)  Tue Sep 23\n"
CLOSED_DRIVER = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version: 12.2.0\n"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "_DRIVER", tmp_path / "version")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(device.ALLOW_CPU, raising=False)
    device.own_gpu.cache_clear()
    yield
    device.own_gpu.cache_clear()


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """A machine with two GPUs, as a process sees it that has none yet; the locks of both."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"{number}"))
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return [tmp_path / f"facedance-gpu-{number}.lock" for number in range(2)]


@contextlib.contextmanager
def taken(lock):
    """Another job has this GPU."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_each_job_on_a_machine_takes_a_gpu_of_its_own(two_gpus, monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    with taken(two_gpus[0]):
        assert choose_device() == torch.device("cuda", 1)
    assert choose_device() == torch.device("cuda", 1), "which it has, whatever else has become free"
    device.own_gpu.cache_clear()
    assert choose_device() == torch.device("cuda", 0)
    assert chosen == [1, 1]


def test_where_all_are_taken_a_job_shares_the_first(two_gpus):
    with taken(two_gpus[0]), taken(two_gpus[1]):
        assert device.own_gpu() is None
        assert choose_device() == torch.device("cuda", 0)
    assert choose_device() == torch.device("cuda", 0), "a model's parts stay together"


def test_a_gpu_that_another_user_has_used_is_free(two_gpus, monkeypatch):
    asked = []
    monkeypatch.setattr(fcntl, "flock", lambda file, _: asked.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE))
    two_gpus[0].touch(0o444)
    assert device.own_gpu() == 0
    assert asked == [os.O_RDONLY]


def test_whoever_comes_next_may_read_the_lock(two_gpus):
    before = os.umask(0o077)
    try:
        assert device.own_gpu() == 0
    finally:
        os.umask(before)
    assert two_gpus[0].stat().st_mode & 0o777 == 0o644


def test_a_lock_that_cannot_be_opened_is_told(two_gpus):
    two_gpus[0].symlink_to(two_gpus[0])
    with pytest.raises(InputError, match=r"facedance-gpu-0\.lock, .* cannot be locked .*: have it removed, or set TMPDIR"):
        device.own_gpu()


@pytest.mark.parametrize("published", [PUBLISHED, WAN.model_copy(update={"folder": "~/models"})])
def test_a_published_model_is_refused_on_a_cpu(published, tmp_path):
    (tmp_path / "version").write_text(CLOSED_DRIVER)
    with pytest.raises(InputError) as refused:
        choose_device(published)
    for named in (torch.__version__, "550.54.14", "580", "FACEDANCE_ALLOW_CPU=1"):
        assert named in str(refused.value)


def test_it_runs_there_for_somebody_who_insists(monkeypatch):
    monkeypatch.setenv("FACEDANCE_ALLOW_CPU", "1")
    assert choose_device(PUBLISHED).type == "cpu"


def test_a_model_made_here_runs_on_a_cpu():
    assert choose_device(WAN).type == "cpu"


def test_with_a_gpu_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device(PUBLISHED).type == "cuda"


def test_the_sentence_names_what_to_change():
    assert "make install LOCK=requirements/gpu.txt" in device.cpu_refusal("2.13.0+cpu", None, "580.95.05")
    assert "update the driver" in device.cpu_refusal("2.13.0+cu130", "13.0", "550.54.14")
    assert "where there is an NVIDIA GPU" in device.cpu_refusal("2.13.0+cu130", "13.0", None)


def test_the_drivers_version_is_the_kernel_modules(tmp_path):
    assert device.driver_version() is None
    for said, version in ((OPEN_DRIVER, "580.95.05"), (CLOSED_DRIVER, "550.54.14")):
        (tmp_path / "version").write_text(said)
        assert device.driver_version() == version


def test_the_drivers_version_is_nvidia_smis_where_no_module_is_seen(tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 581.12\n")
    tool.chmod(0o755)
    assert device.driver_version() == "581.12"
