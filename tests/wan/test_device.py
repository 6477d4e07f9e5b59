"""A published model is not run on a CPU unasked."""

import pytest
import torch

from facedance.job import InputError
from facedance.wan import device, load
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


@pytest.mark.parametrize(("own", "number"), [(1, 1), (0, 0), (None, 0)])
def test_a_model_lies_on_the_jobs_own_gpu_or_on_the_first(monkeypatch, own, number):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(load, "own_gpu", lambda: own)
    assert choose_device() == torch.device("cuda", number)
    assert chosen == [number][: number > 0]


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
    monkeypatch.setattr(load, "own_gpu", lambda: 0)
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
