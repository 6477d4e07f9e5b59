"""Code by its meaning: a digest that comments, docstrings, line endings and the order of imports do not change.

It is taken of the syntax tree. Modules are looked for beside this package, and in the current folder, where the
laboratory's is.
"""

import ast
import functools
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

_PACKAGES = Path(__file__).parents[2]  # where `facedance` lies
_DATA = {".html", ".css", ".js", ".json"}


@functools.cache
def code_digest(script: Path | str, without: tuple[str, ...] = ()) -> str:
    """Digest of a script and of every module of this project that it imports, directly or not, with their data files.

    Modules `without` which the script does its work do not count, and neither does what only they import.
    """
    found = with_imports(script, without)
    scripts = Path(script).parent
    folders = {file.parent for file in found if file.name != "__init__.py" and file.parent != scripts}
    data = {file for folder in folders for file in folder.iterdir() if file.is_file() and file.suffix in _DATA}
    return _total(found | data)


def modules_digest(modules: Iterable[str]) -> str:
    """Digest of these modules alone, such as `facedance.train.learner`, without what they import.

    Raises:
        ModuleNotFoundError: there is no such module in this project.
    """
    return _total(_files_of(modules))


def with_imports(script: Path | str, without: tuple[str, ...] = ()) -> set[Path]:
    """The script or module, and the files of this project that it imports, directly or not; none by way of modules `without`.

    Raises:
        ModuleNotFoundError: there is no such module in this project.
    """
    found: set[Path] = set()
    left_out = _files_of(without)
    pending = [Path(script)]
    while pending:
        file = pending.pop()
        if file not in found and file not in left_out:
            found.add(file)
            pending.extend(_imported(file))
    return found


def _files_of(modules: Iterable[str]) -> set[Path]:
    files = {name: _module_file(name) for name in modules}
    if missing := [name for name, file in files.items() if file is None]:
        raise ModuleNotFoundError(f"this project has no module {missing[0]}")
    return {file for file in files.values() if file is not None}


def _total(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files, key=lambda f: (f.name, str(f))):
        total.update(file.name.encode() + b"\0" + _digest(file))
    return total.hexdigest()


@functools.cache
def _digest(file: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix == ".py":
        content = repr(_meaning(_tree(file))).encode()
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).digest()


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes())


def _meaning(value: Any) -> Any:
    """A syntax tree as nested tuples, without positions and what is empty."""
    if isinstance(value, ast.AST):
        fields = ((name, part) for name, part in ast.iter_fields(value) if part is not None and part != [] and name != "kind")
        return (type(value).__name__, *((name, _meaning(part)) for name, part in fields))
    if isinstance(value, list):
        statements = value and isinstance(value[0], ast.stmt)
        return tuple(_block(value)) if statements else tuple(_meaning(part) for part in value)
    return value


def _block(statements: Sequence[ast.stmt]) -> Iterator[Any]:
    """Statements without texts that stand alone; imports that follow each other in one order, a name each."""
    kept = (s for s in statements if not (isinstance(s, ast.Expr) and _is_text(s.value)))
    for imports, group in itertools.groupby(kept, lambda s: isinstance(s, ast.Import | ast.ImportFrom)):
        if imports:
            yield from sorted({name for statement in group for name in _imports(statement)})
        else:
            yield from map(_meaning, group)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _imports(statement: ast.stmt) -> Iterator[tuple[str, ...]]:
    """Each name that is imported: how many packages up, from which module, what, and as what."""
    assert isinstance(statement, ast.Import | ast.ImportFrom)
    source = ("import",) if isinstance(statement, ast.Import) else ("from", "." * statement.level + (statement.module or ""))
    yield from ((*source, alias.name, alias.asname or "") for alias in statement.names)


@functools.cache
def _imported(file: Path) -> tuple[Path, ...]:
    if file.suffix != ".py":
        return ()
    names = (name for node in ast.walk(_tree(file)) for name in _names(node))
    return tuple(dict.fromkeys(path for name in names if (path := _module_file(name)) is not None))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def _module_file(name: str) -> Path | None:
    places = (_PACKAGES.joinpath(*name.split(".")), Path(*name.split(".")))
    return next((f for base in places for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)
