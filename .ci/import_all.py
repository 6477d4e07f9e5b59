"""Import every module that a file of src/ imports, at its top or in a function."""

import ast
import importlib
import sys
from pathlib import Path

OPTIONAL = {"wandb"}  # somebody who wants it installs it


def imported(code: str) -> set[str]:
    """The names of the modules that the code imports, but for the standard library."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name for name in names if name.split(".")[0] not in sys.stdlib_module_names | OPTIONAL}


if __name__ == "__main__":
    modules = sorted(set().union(*(imported(path.read_text()) for path in Path("src").rglob("*.py"))))
    for module in modules:
        importlib.import_module(module)
    torch = sys.modules["torch"]
    print(f"{len(modules)} modules imported; torch {torch.__version__}, CUDA {torch.version.cuda}")
