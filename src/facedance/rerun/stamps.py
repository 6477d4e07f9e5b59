"""Stamps: what a rule's results depend on besides its input files, as a small file that is newer when it has changed.

A stamp holds the rule's parameters, the digest of its script with every module of this package that the script imports,
and the names of its items. Modification times then tell all that Snakemake has to know, also in a fresh clone that has
results but no record of how they came about.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from facedance.files import read_json, write_json

_PACKAGES = Path(__file__).parents[2]  # where `facedance` lies


def write_stamp(path: Path | str, params: Any, code: str, items: Sequence[str] = ()) -> None:
    """Write the stamp unless the file says the same already."""
    content = {"params": params, "code": code, "items": list(items)}
    path = Path(path)
    if path.exists():
        try:
            if read_json(path) == content:
                return
        except ValueError:  # damaged: written anew
            pass
    write_json(path, content, durable=False)  # there are thousands, and one that is lost is written again


@functools.cache
def code_digest(script: Path | str) -> str:
    """Digest of a script and of every module of this project that it imports, directly or not, with their data files.

    Modules are looked for beside this package, and in the current folder, where the laboratory's is.
    """
    found: set[Path] = set()
    pending = [Path(script)]
    while pending:
        file = pending.pop()
        if file not in found:
            found.add(file)
            pending.extend(_imported(file))
    scripts = Path(script).parent
    for folder in {file.parent for file in found if file.name != "__init__.py" and file.parent != scripts}:
        found.update(f for f in folder.iterdir() if f.is_file() and f.suffix in {".html", ".css", ".js", ".json"})
    total = hashlib.sha256()
    for file in sorted(found, key=lambda f: (f.name, str(f))):
        total.update(file.name.encode() + b"\0" + _digest(file))
    return total.hexdigest()


@functools.cache
def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


@functools.cache
def _imported(file: Path) -> tuple[Path, ...]:
    if file.suffix != ".py":
        return ()
    names = (name for node in ast.walk(ast.parse(file.read_bytes())) for name in _names(node))
    return tuple(dict.fromkeys(path for name in names if (path := _module_file(name)) is not None))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_file(name: str) -> Path | None:
    places = (_PACKAGES.joinpath(*name.split(".")), Path(*name.split(".")))
    return next((f for base in places for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)
