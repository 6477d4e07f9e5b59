"""The lock files hold what their packages ask for, and agree with what is written from them."""

import json
import tomllib
from pathlib import Path

import pytest

import install
import renew

ROOT = Path(__file__).parents[1]
CPU, GPU, CUDA = (list(renew.pins(lock)) for lock in (install.CPU, install.GPU, install.CUDA))
METADATA = json.loads(renew.METADATA.read_text())
# What no lock gives: (who asks, for what), and why that is well.
WINDOWS = {
    ("insightface", "opencv-python"): "the headless build is the same module, and needs no libraries of a desktop",
    ("mediapipe", "opencv-contrib-python"): "the same",
}
EXCEPTIONS = {
    install.CPU: WINDOWS,
    install.GPU: WINDOWS | {("insightface", "onnxruntime"): "onnxruntime-gpu is the same module; the two write the same folder"},
}


def versions(pins):
    return {renew.package_of(pin): pin.split("==")[1] for pin in pins}


@pytest.mark.parametrize("python", install.PYTHONS)
@pytest.mark.parametrize("lock", [install.CPU, install.GPU])
def test_a_lock_holds_all_that_its_packages_ask_for(lock, python):
    assert set(unmet([*renew.pins(lock), *CUDA], python)) == set(EXCEPTIONS[lock])


def test_a_lock_is_not_whole_without_the_libraries_of_torch():
    assert ("torch", "nvidia-cudnn-cu13") in unmet(CPU, install.PYTHONS[0])


def test_another_version_than_the_one_asked_for_is_noticed():
    older = [pin.replace("triton==3.7.1", "triton==3.7.0") for pin in [*CPU, *CUDA]]
    assert set(unmet(older, install.PYTHONS[0])) == {*WINDOWS, ("torch", "triton")}


def unmet(pins, python):
    """Pairs of a package and another that it asks for and that is not there, or not in such a version; extras included."""
    locked = versions(pins)
    requires = {renew.package_of(pin): [renew.Requirement(line) for line in lines] for pin, lines in METADATA["requires"].items()}
    found, seen, left = [], set(), [(package, "") for package in locked]
    while left:
        package, extra = one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        for requirement in requires[package]:
            if not renew.applies(requirement, python, extra):
                continue
            other = install.normal(requirement.name)
            if other not in locked or not requirement.specifier.contains(locked[other], prereleases=True):
                found.append((package, other))
            else:
                left += [(other, wanted) for wanted in requirement.extras]
    return found


def test_the_metadata_is_that_of_the_locks():
    assert METADATA["pythons"] == [f"{major}.{minor}" for major, minor in install.PYTHONS]
    assert set(METADATA["requires"]) == {*CPU, *GPU, *CUDA}, "run requirements/renew.py"


def test_the_conda_environment_is_the_lock():
    assert renew.ENVIRONMENT.read_text() == renew.environment(), "run requirements/renew.py"


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {install.normal(name) for name in project["dependencies"]} <= set(versions(CPU))
    allowed = renew.SpecifierSet(project["requires-python"])
    supported = [(3, minor) for minor in range(8, 20) if allowed.contains(f"3.{minor}.5")]
    assert supported == list(install.PYTHONS)


def test_direct_requirements_agree_with_the_lock():
    locked = versions(CPU)
    for line in (ROOT / "requirements" / "direct.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            package, _, version = line.partition("==")
            assert install.normal(package) in locked
            assert not version or locked[install.normal(package)] == version


def test_the_locks_differ_in_torch_and_onnxruntime_alone():
    assert install.names(install.CPU) == ["onnxruntime", "torch"]
    assert install.names(install.GPU) == ["onnxruntime-gpu", "torch"]
    assert versions(CPU)["torch"] == versions(GPU)["torch"]
    assert "torch===" in (ROOT / install.GPU).read_text(), "== accepts a CPU build"
