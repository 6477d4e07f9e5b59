"""The shape of the code: what imports what, one name for a stage everywhere, and limits that keep it readable."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = (
    "sample", "models", "faces", "clips", "poses", "dancers", "latents", "face_branch", "train", "render", "evaluate", "report",
    "plan",
)  # fmt: skip
LIBRARY = sorted((ROOT / "src" / "facedance").rglob("*.py"))
LAB = sorted(path for path in (ROOT / "lab").rglob("*.py") if "tests" not in path.relative_to(ROOT).parts)
SCRIPTS = {ROOT: sorted((ROOT / "scripts").glob("*.py")), ROOT / "lab": sorted((ROOT / "lab" / "scripts").glob("*.py"))}
RULES = {ROOT: sorted((ROOT / "rules").glob("*.smk")), ROOT / "lab": sorted((ROOT / "lab" / "rules").glob("*.smk"))}
MOST_PARAMETERS = 8


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported_by(path: Path) -> set[str]:
    """Full names of the modules that a Python file imports, or of what it takes from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def import_lines(path: Path) -> list[str]:
    """The imports of a file of rules."""
    return [line.strip() for line in path.read_text().splitlines() if re.match(r"\s*(import|from) ", line)]


def tops(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_the_product_imports_nothing_of_the_laboratory():
    assert [name_of(path) for path in [*LIBRARY, *SCRIPTS[ROOT]] if "lab" in tops(imported_by(path))] == []
    for path in [ROOT / "Snakefile", *RULES[ROOT]]:
        assert not [line for line in import_lines(path) if re.match(r"(import|from) lab\b", line)], path.name


def test_the_library_knows_neither_snakemake_nor_dvc():
    assert [name_of(path) for path in LIBRARY if {"snakemake", "dvc"} & tops(imported_by(path))] == []


def test_importing_a_module_does_nothing_but_define():
    """At module level stand imports, definitions and assignments; a call that stands alone would be a side effect."""
    harmless = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    doing = []
    for path in LIBRARY:
        for node in ast.parse(path.read_text()).body:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            main = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
            if not (isinstance(node, harmless) or text or main):
                doing.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)}")
    assert doing == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_one_name_everywhere(stage):
    for place in (f"src/facedance/{stage}/__init__.py", f"rules/{stage}.smk", f"tests/{stage}/__init__.py"):
        assert (ROOT / place).is_file(), place
    assert f'include: "rules/{stage}.smk"' in (ROOT / "Snakefile").read_text().splitlines()


@pytest.mark.parametrize("root", RULES, ids=["product", "lab"])
def test_a_rule_and_its_script_have_one_name_and_no_script_is_left_over(root):
    scripts = []
    for path in RULES[root]:
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            name = rule.partition(":")[0]
            for script in re.findall(r'^    script:\n        "(.+)"$', rule, re.MULTILINE):
                assert script == f"../scripts/{name}.py"
                scripts.append(f"{name}.py")
    assert sorted(scripts) == [path.name for path in SCRIPTS[root]]


def public_functions(path: Path) -> Iterator[tuple[str, ast.arguments]]:
    """Functions, and methods of classes, whose names have no underscore in front; a constructor goes by its class."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node.args
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
                if method.name == "__init__" or not method.name.startswith("_"):
                    yield f"{node.name}.{method.name}", method.args


def test_public_functions_have_few_parameters():
    wide = {}
    for path in LIBRARY:
        for name, arguments in public_functions(path):
            names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            if (count := len([n for n in names if n not in {"self", "cls"}])) > MOST_PARAMETERS:
                wide[f"{name_of(path)} {name}"] = count
    assert wide == {}, "give what belongs together a frozen dataclass"


def imported_packages() -> dict[str, set[str]]:
    """For each package of the library, and each module beside the packages, the others that it imports."""
    owners = {path: path.relative_to(ROOT / "src" / "facedance").parts[0].removesuffix(".py") for path in LIBRARY}
    graph: dict[str, set[str]] = {owner: set() for owner in owners.values()}
    for path, owner in owners.items():
        names = {name.split(".")[1] for name in imported_by(path) if name.startswith("facedance.")}
        graph[owner] |= names & graph.keys() - {owner}
    return graph


def in_circles(graph: dict[str, set[str]]) -> set[str]:
    """What is left of a graph when whatever imports nothing of the rest is taken away, again and again."""
    while ends := {part for part, others in graph.items() if not others & graph.keys()}:
        graph = {part: others for part, others in graph.items() if part not in ends}
    return set(graph)


def test_packages_import_one_another_in_one_direction():
    graph = imported_packages()
    assert {"wan", "video", "files"} <= graph["latents"]
    assert in_circles(graph) == set(), "these import one another in a circle, or import those that do"
    assert in_circles(graph | {"video": {"latents"}}) >= {"latents", "video"}


def test_files_are_short():
    limits = dict.fromkeys([*LIBRARY, *LAB], 300) | dict.fromkeys([*SCRIPTS[ROOT], *SCRIPTS[ROOT / "lab"]], 40)
    lines = {path: len(path.read_text().splitlines()) for path in limits}
    assert [f"{name_of(path)}: {lines[path]} lines" for path, limit in limits.items() if lines[path] >= limit] == []


@pytest.mark.parametrize("root", RULES, ids=["product", "lab"])
def test_rules_import_no_torch(root):
    """Every job reads the workflow once more, and importing torch takes seconds."""
    lines = sorted({line for path in RULES[ROOT] + RULES[root] for line in import_lines(path)})
    assert any("facedance" in line for line in lines)
    program = "\n".join([*lines, "import sys", "sys.exit('torch' in sys.modules)"])
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
