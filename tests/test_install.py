"""`make install`: which lock, which builds, which Python. The packages are small wheels that are made here."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import install

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
BACKEND = """\
import shutil
def build_editable(folder, *_):
    return shutil.copy("project-1.0-py3-none-any.whl", folder).rsplit("/")[-1]
"""


def make_wheel(folder, name, version, files, requires=()):
    metadata = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{metadata}/METADATA": "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {other}" for other in requires)]
        ),
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{metadata}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in {**files, f"{metadata}/RECORD": record}.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (0o100755 if "/scripts/" in file else 0o100644) << 16
            archive.writestr(entry, text)


class Clone:
    """The Makefile and the installer with locks of four packages, and wheels as the only index."""

    def __init__(self, folder, uv):
        self.folder, self.wheels = folder / "project", folder / "wheels"
        self.wheels.mkdir(parents=True)
        (self.folder / "requirements").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", self.folder)
        shutil.copy(ROOT / "requirements" / "install.py", self.folder / "requirements")
        self.write("common", "both==1\n")
        self.write("cpu", "-r common.txt\nonnxruntime==1.1\ntorch==2\n")
        self.write("gpu", "-r common.txt\nonnxruntime-gpu==1.0\ntorch===2\n")
        self.write("cuda", "nvidia_lib==13\n")
        make_wheel(self.wheels, "both", "1", {"both.py": ""})
        make_wheel(self.wheels, "nvidia_lib", "13", {"nvidia_lib.py": ""}, requires=["not-in-the-locks"])
        make_wheel(self.wheels, "torch", "2+cpu", {"torch.py": "build = 'cpu'"})
        make_wheel(self.wheels, "torch", "2", {"torch.py": "import nvidia_lib\nbuild = 'cuda'"}, requires=["nvidia-lib==13"])
        make_wheel(self.wheels, "onnxruntime", "1.1", {"onnxruntime/__init__.py": "build = 'cpu'"})
        make_wheel(self.wheels, "onnxruntime_gpu", "1.0", {"onnxruntime/__init__.py": "build = 'gpu'"})
        make_wheel(self.folder, "project", "1.0", {"project.py": ""})
        (self.folder / "backend.py").write_text(BACKEND)
        (self.folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "project"\nversion = "1.0"\n'
        )
        if uv:
            name, version = install.UV.split("==")
            script = f'#!/bin/sh\necho uv ran\nexec {UV} "$@"\n'
            make_wheel(self.wheels, name, version, {f"uv-{version}.data/scripts/uv": script})
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "MAKE"))}
        self.environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "UV_CACHE_DIR": str(folder / "cache"),
        }

    def write(self, lock, text):
        (self.folder / "requirements" / f"{lock}.txt").write_text(text)

    def make(self, *arguments):
        """What `make install` prints."""
        done = subprocess.run(
            ["make", "install", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def builds(self):
        code = "import both, onnxruntime, project, torch, importlib.util as u; "
        code += "print(torch.build, onnxruntime.build, bool(u.find_spec('nvidia_lib')))"
        return subprocess.check_output([".venv/bin/python", "-c", code], cwd=self.folder, text=True).split()


@pytest.mark.parametrize("uv", [False, pytest.param(True, marks=pytest.mark.skipif(UV is None, reason="no uv here"))])
def test_a_lock_is_kept_until_another_is_asked_for(tmp_path, uv):
    clone = Clone(tmp_path, uv)
    assert ("uv ran" in clone.make("LOCK=requirements/cpu.txt")) == uv
    assert clone.builds() == ["cpu", "cpu", "False"]
    clone.write("gpu", "-r common.txt\nonnxruntime-gpu==9\ntorch===9\n")
    assert clone.make() == "", "the other lock counts for nothing"
    clone.write("gpu", "-r common.txt\nonnxruntime-gpu==1.0\ntorch===2\n")
    assert "gpu.txt" in clone.make("LOCK=requirements/gpu.txt")
    assert clone.builds() == ["cuda", "gpu", "True"]
    os.utime(clone.folder / "requirements" / "cpu.txt")
    assert clone.make() == "", "the lock that was asked for is remembered"
    (tmp_path / "wheels" / "torch-2+cpu-py3-none-any.whl").rename(tmp_path / "torch-2+cpu-py3-none-any.whl")
    assert "no CPU build" in clone.make("LOCK=requirements/cpu.txt")
    assert clone.builds() == ["cuda", "cpu", "True"]
    (tmp_path / "torch-2+cpu-py3-none-any.whl").rename(tmp_path / "wheels" / "torch-2+cpu-py3-none-any.whl")
    clone.make("LOCK=requirements/gpu.txt")
    clone.make("LOCK=requirements/cpu.txt")
    assert clone.builds() == ["cpu", "cpu", "False"]


def test_an_installation_that_broke_off_is_taken_up_with_its_lock(tmp_path):
    clone = Clone(tmp_path, uv=False)
    clone.make("LOCK=requirements/cpu.txt")
    both = tmp_path / "wheels" / "torch-2-py3-none-any.whl"
    both.rename(tmp_path / "torch")
    with pytest.raises(AssertionError, match="goes on from here"):
        clone.make("LOCK=requirements/gpu.txt")
    (tmp_path / "torch").rename(both)
    assert "gpu.txt" in clone.make()
    assert clone.builds() == ["cuda", "gpu", "True"]


def test_a_build_with_windows_gives_way_to_the_one_without(tmp_path):
    clone = Clone(tmp_path, uv=False)
    make_wheel(clone.wheels, "opencv_python", "1", {"cv2/__init__.py": "windows = True", "cv2/qt.py": ""})
    make_wheel(clone.wheels, "opencv_contrib_python_headless", "1", {"cv2/__init__.py": "windows = False"})
    clone.write("common", "both==1\nopencv-python==1\n")
    clone.make("LOCK=requirements/cpu.txt")
    clone.write("common", "both==1\nopencv-contrib-python-headless==1\n")
    clone.make()
    code = "import cv2, importlib.util as u; print(cv2.windows, u.find_spec('cv2.qt'))"
    assert subprocess.check_output([".venv/bin/python", "-c", code], cwd=clone.folder, text=True).split() == ["False", "None"]


def test_a_library_that_the_system_lacks_is_named_until_it_is_there(tmp_path):
    clone = Clone(tmp_path, uv=False)
    missing = "raise ImportError('libEGL.so.1: cannot open shared object file: No such file or directory')"
    make_wheel(clone.wheels, "both", "1", {"both.py": "", "cv2.py": missing})
    for _ in range(2):
        with pytest.raises(
            AssertionError, match=r"loads libEGL\.so\.1, which this system has not: install it .* libegl1 libgles2"
        ):
            clone.make("LOCK=requirements/cpu.txt")
    (cv2,) = clone.folder.glob(".venv/lib/*/site-packages/cv2.py")
    cv2.write_text("")
    assert "Installing" in clone.make()
    assert clone.make() == ""


def test_without_a_lock_the_machine_decides(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "has_nvidia_gpu", lambda: True)
    assert install.choose_lock(None, "")[0] == install.GPU
    assert install.choose_lock(None, install.CPU)[0] == install.CPU
    assert install.choose_lock(str(ROOT / install.CPU), install.GPU)[0] == install.CPU
    monkeypatch.setattr(install, "has_nvidia_gpu", lambda: False)
    assert install.choose_lock(None, "")[0] == install.CPU
    assert install.choose_lock(None, "requirements/gone.txt")[0] == install.CPU
    with pytest.raises(SystemExit, match=r"LOCK=gpu is not a file: it takes requirements/cpu\.txt or"):
        install.choose_lock("gpu", "")


def test_a_gpu_is_seen_by_its_device_or_by_nvidia_smi(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    assert not install.has_nvidia_gpu(tmp_path)
    (tmp_path / "dev" / "nvidia0").touch()
    assert install.has_nvidia_gpu(tmp_path)
    tool = tmp_path / "nvidia-smi"
    for said, seen in (("No devices were found", False), ("GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)", True)):
        tool.write_text(f"#!/bin/sh\necho '{said}'\n")
        tool.chmod(0o755)
        assert install.has_nvidia_gpu(Path("/nowhere")) == seen


@pytest.mark.parametrize(("version", "refused"), [((3, 10), True), ((3, 11), False), ((3, 13), False), ((3, 14), True)])
def test_a_python_without_wheels_is_refused_in_a_sentence(version, refused):
    if not refused:
        return install.refuse_python((*version, 0))
    with pytest.raises(SystemExit, match=rf"3\.11, 3\.12 or 3\.13.* this is 3\.{version[1]}: "):
        install.refuse_python((*version, 0))
    return None


def test_an_old_python_can_read_the_installer():
    ast.parse((ROOT / "requirements" / "install.py").read_text(), feature_version=(3, 6))


def test_what_pip_was_told_is_told_to_uv():
    listed = (
        "global.cert='/etc/ssl/own.crt'\nglobal.extra-index-url='file:///one file:///two'\nglobal.find-links='/wheels'\n"
        "install.no-index='true'\n:env:.find-links='/more'\n:env:.default-timeout='180'\n:env:.disable-pip-version-check='1'\n"
    )
    options, variables = install.told_to_uv(install.pip_settings(listed))
    indexes = ["--extra-index-url", "file:///one", "--extra-index-url", "file:///two"]
    assert options == [*indexes, "--find-links", "/more", "--no-index"]
    assert variables == {"SSL_CERT_FILE": "/etc/ssl/own.crt", "UV_HTTP_TIMEOUT": "180"}
