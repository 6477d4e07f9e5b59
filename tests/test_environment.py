"""The lock files, environment.yml and pyproject.toml say the same."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def locked(name):
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normal(package): version for package, version in pairs}


def normal(package):
    return re.sub(r"[-_.]+", "-", package).lower()


def test_every_dependency_is_locked():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {normal(n) for n in needed} <= set(locked("cpu.txt"))


def test_direct_requirements_agree_with_the_lock():
    lock = locked("cpu.txt")
    for line in (ROOT / "requirements" / "direct.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            package, _, version = line.partition("==")
            assert normal(package) in lock
            assert not version or lock[normal(package)] == version


def test_gpu_lock_differs_only_in_onnxruntime_and_cuda():
    cpu, gpu = locked("cpu.txt"), locked("gpu.txt")
    assert "onnxruntime" in cpu
    assert "onnxruntime" not in gpu, "onnxruntime and onnxruntime-gpu install over the same folder"
    assert "onnxruntime-gpu" in gpu
    cuda = {p for p in gpu if p.startswith(("nvidia-", "cuda-")) or p == "triton"}
    assert set(gpu) - cuda - {"onnxruntime-gpu"} == set(cpu) - {"onnxruntime"}
    assert all(gpu[p] == cpu[p] for p in set(gpu) & set(cpu))


def test_conda_environment_is_the_lock_on_a_supported_python():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert "python=3.11" in environment
    pins = dict(line.split("==") for line in environment[-1]["pip"])
    assert {normal(package): version for package, version in pins.items()} == locked("cpu.txt")
