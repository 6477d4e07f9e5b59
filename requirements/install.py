"""Make the virtual environment from a lock file: what `make install` runs.

It needs no package, and its grammar is that of Python 3.6, so that an old Python can say what is wrong with it.
"""

import argparse
import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 12), (3, 13))
CPU, GPU = "requirements/cpu.txt", "requirements/gpu.txt"
COMMON, CUDA = "requirements/common.txt", "requirements/cuda.txt"
UV = "uv==0.13.9"  # installs what pip installs, several times faster; where pip does not find it, it is not needed

# What pip may have been told in a file or a variable, and how uv, which reads neither, is told the same.
UV_OPTIONS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
    "constraint": "--constraints",
}
UV_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "default-timeout": "UV_HTTP_TIMEOUT", "timeout": "UV_HTTP_TIMEOUT"}

# Locked is the build without windows, which needs no libraries of a desktop; these write the same folder.
WITH_WINDOWS = ["opencv-python", "opencv-contrib-python"]
LOADED = "import cv2; from mediapipe.tasks.python.core.mediapipe_c_bindings import load_raw_library as load; load()"

FAILED = "The installation failed; what is above says why, and `make install` goes on from here."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lock", nargs="?", help="the lock file; without it the one of last time, or the one for this machine")
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    given = parser.parse_args()
    refuse_python(sys.version_info)
    stamp = given.venv / ".installed"  # a line with the lock and, once all is there, one with the digest
    before, _, installed = stamp.read_text().partition("\n") if stamp.exists() else ("", "", "")
    lock, why = choose_lock(given.lock, before)
    same_python = python_of(given.venv) == sys.version_info[:2]
    if same_python and (before, installed) == (lock, digest(lock)):
        return
    print(f"Installing {lock} into {given.venv} ({why}).", flush=True)
    if not (same_python and (given.venv / "bin" / "pip").exists()):
        # An environment of the same Python is kept: somebody may have built more into it.
        run([sys.executable, "-m", "venv", *([] if same_python else ["--clear"]), str(given.venv)])
    stamp.write_text(lock)
    python = str(given.venv / "bin" / "python")
    if same_python:
        # The builds of one version count as equal, and the two onnxruntimes write the same folder.
        others = [] if installed and before == lock else differing()
        run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *WITH_WINDOWS, *others], stderr=subprocess.DEVNULL)
    install(lock, python)
    refuse_missing_libraries(python)
    stamp.write_text(f"{lock}\n{digest(lock)}")


def refuse_python(version):
    """Exit with a sentence unless the locked packages have wheels for this Python."""
    if tuple(version[:2]) not in PYTHONS:
        sys.exit(
            "facedance needs Python 3.11, 3.12 or 3.13, for which its packages have wheels, and this is"
            f" {version[0]}.{version[1]}: name another, as in `make install PYTHON=python3.12`."
        )


def refuse_missing_libraries(python):
    """Exit with a sentence where this system has not all that the packages load: wheels bring no OpenGL."""
    done = subprocess.run([python, "-c", LOADED], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    missing = re.search(r"(lib[\w.+-]+): cannot open shared object file", done.stderr.decode())
    if missing:
        sys.exit(
            f"MediaPipe loads {missing.group(1)}, which this system has not: install it (Debian and Ubuntu:"
            " `apt-get install libegl1 libgles2`), then run `make install` again."
        )


def choose_lock(given, before):
    """The lock file, relative to the project, and why it is this one."""
    if given:
        path = os.path.relpath(given, str(ROOT))
        if not (ROOT / path).is_file():
            sys.exit(f"LOCK={given} is not a file: it takes {CPU} or {GPU}.")
        return path, "as LOCK says"
    if before and (ROOT / before).is_file():
        return before, "as before; LOCK= takes another"
    if has_nvidia_gpu():
        return GPU, f"an NVIDIA GPU is here; LOCK={CPU} overrules"
    return CPU, f"no NVIDIA GPU is here; LOCK={GPU} overrules"


def has_nvidia_gpu(root=Path("/")):
    """Whether the driver shows a GPU. A container can see the driver's version without seeing a GPU."""
    if any(root.glob("dev/nvidia[0-9]*")):
        return True
    tool = shutil.which("nvidia-smi")  # all there is under WSL
    return bool(tool) and "GPU 0" in said_by([tool, "-L"])


def digest(lock):
    """Of all that an installation from this lock depends on: the other lock is not among it."""
    files = [lock, COMMON, CUDA, "pyproject.toml"]
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in files)).hexdigest()


def python_of(venv):
    """(major, minor) of an environment's Python, or None where there is no environment that runs."""
    file = venv / "pyvenv.cfg"
    found = re.search(r"^version\w*\s*=\s*(\d+)\.(\d+)", file.read_text(), re.MULTILINE) if file.exists() else None
    return (int(found.group(1)), int(found.group(2))) if found and (venv / "bin" / "python").exists() else None


def install(lock, python):
    """The lock's packages; what torch's build asks for, whichever it is; and the project itself.

    Nothing is resolved, because insightface asks for onnxruntime by name; a test holds the locks against what the
    packages ask for.
    """
    installers = find_installers(python)
    first_that_works(installers, ["--no-deps", "--requirement", str(ROOT / lock)])
    if asks_for(python, "torch") & set(names(CUDA)):
        if lock == CPU:
            print("pip finds no CPU build of torch, so this is the CUDA build with its libraries; it computes on a CPU as well.")
        first_that_works(installers, ["--no-deps", "--requirement", str(ROOT / CUDA)])
    first_that_works(installers, ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def differing():
    """The packages of which the locks want different builds, or which only one of them wants."""
    return sorted({*names(CPU), *names(GPU), *names(CUDA)})


def names(lock):
    """The packages that a lock file lists itself, normalised."""
    lines = (ROOT / lock).read_text().splitlines()
    return [normal(line.split("==")[0]) for line in lines if line and line[0] not in "#-"]


def normal(package):
    return re.sub(r"[-_.]+", "-", package).lower()


def asks_for(python, package):
    """What an installed package asks for, as normalised names: a CUDA build of torch lists its libraries there."""
    code = f"from importlib.metadata import requires; print(*requires({package!r}) or [], sep='\\n')"
    return {normal(re.match(r"[\w.-]*", line).group()) for line in said_by([python, "-c", code]).splitlines()}


def find_installers(python):
    """What is tried in turn: uv, which pip brings, and pip itself."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if ends_badly([*pip, "--no-deps", UV], stderr=subprocess.DEVNULL):
        print(f"pip finds no {UV}, so it installs everything itself, which takes some minutes.", flush=True)
        return [(pip, {})]
    options, variables = told_to_uv(pip_settings(said_by([python, "-m", "pip", "config", "list"])))
    # pip takes the best version of all places; uv, unless told, the best of the first place that has any.
    uv = [str(Path(python).parent / "uv"), "pip", "install", "--quiet", "--python", python]
    uv += ["--index-strategy", "unsafe-best-match", "--build-constraints", str(ROOT / COMMON), *options]
    # As pip does by itself. Without it, and where Python may not write it later, a job that imports diffusers needs 11 s of a
    # core before its first line instead of 5.
    uv += ["--compile-bytecode"]
    return [(uv, variables), (pip, {})]


def pip_settings(listed):
    """What `pip config list` says; a variable counts more than a file, as it does for pip."""
    settings = {}
    for scope in ("global.", "install.", ":env:."):
        found = (line[len(scope) :].split("=", 1) for line in listed.splitlines() if line.startswith(scope))
        settings.update((key, ast.literal_eval(value)) for key, value in found)
    return settings


def told_to_uv(settings):
    """pip's settings as uv's options and variables."""
    options = [word for key, flag in UV_OPTIONS.items() for value in settings.get(key, "").split() for word in (flag, value)]
    if settings.get("no-index", "false").lower() in {"1", "true", "yes", "on"}:
        options.append("--no-index")
    return options, {name: settings[key] for key, name in UV_VARIABLES.items() if key in settings}


def first_that_works(installers, arguments):
    """Run the installers in turn until one ends well; the variables that somebody set for them count most."""
    for command, variables in installers:
        if not ends_badly([*command, *arguments], env={**variables, **os.environ}):
            return
    sys.exit(FAILED)


def run(command, **more):
    """Run a command, and exit with a sentence if it ends badly."""
    if ends_badly(command, **more):
        sys.exit(FAILED)


def ends_badly(command, **more):
    return subprocess.run(command, check=False, **more).returncode != 0


def said_by(command):
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode()


if __name__ == "__main__":
    main()
