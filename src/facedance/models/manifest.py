"""What a folder of weights must hold: sizes and sha256 digests, so that damage is named before it is computed with."""

from dataclasses import asdict, dataclass
from pathlib import Path

from facedance.files import sha256, write_json
from facedance.job import InputError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FileFacts:
    """Size in bytes and hex digest of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileFacts":
        return cls(path.stat().st_size, sha256(path))


def check_file(path: Path, expected: FileFacts, advice: str) -> None:
    """Raise InputError, naming the file and giving the advice, unless it is there with the expected size and digest."""
    if not path.is_file():
        raise InputError(f"{path} is missing: {advice}")
    size = path.stat().st_size
    if size != expected.size:
        raise InputError(f"{path} is damaged ({size} bytes instead of {expected.size}): {advice}")
    if sha256(path) != expected.sha256:
        raise InputError(f"{path} is damaged (its sha256 does not begin with {expected.sha256[:12]}): {advice}")


def write_manifest(folder: Path) -> None:
    """Record every file of a model's folder in its manifest.json. Written last, so its presence says that the folder is whole."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    kept = [n for n in names if n != MANIFEST and not any(part.startswith(".") for part in n.split("/"))]
    write_json(folder / MANIFEST, {"files": {n: asdict(FileFacts.of(folder / n)) for n in kept}})
