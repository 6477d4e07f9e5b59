"""Code by its meaning: what changes a digest, and what does not."""

import textwrap

import pytest

from facedance.rerun import code
from facedance.rerun.code import code_digest, modules_digest, with_imports

MODULE = """
    '''What it is for.'''
    import os
    import sys as system
    from pack import b, c

    LIMIT = 3
    '''More would be too many.'''


    class Thing:
        '''A thing.'''

        def size(self, count: int = 1) -> int:
            '''How large it is.'''
            return f"{count:.1f}", "text", None, LIMIT
    """

SAME = {
    "a comment": ("LIMIT = 3", "LIMIT = 3  # three"),
    "a docstring": ("How large it is.", "How many there are.\n\n            Args:\n                count: of things."),
    "a module's docstring": ("What it is for.", "Something else."),
    "a constant's docstring": ("More would be too many.", "Enough."),
    "a blank line": ("LIMIT = 3", "\n\n    LIMIT = 3\n"),
    "the order of imports": ("import os\n    import sys as system", "import sys as system\n    import os"),
    "the order of names": ("import b, c", "import c, b"),
    "a line for each name": ("from pack import b, c", "from pack import b\n    from pack import c"),
    "the layout": ("LIMIT = 3", "LIMIT = (\n        3\n    )"),
}

OTHER = {
    "a number": ("LIMIT = 3", "LIMIT = 4"),
    "a text": ('"text"', '"texts"'),
    "a format": (".1f", ".2f"),
    "none": ("None", "True"),
    "a default": ("count: int = 1", "count: int = 2"),
    "what a name stands for": ("from pack import b, c", "from pack import b as c"),
    "where a name comes from": ("from pack import b, c", "from .pack import b, c"),
    "an import": ("import os\n", "import os\n    import re\n"),
    "the order of statements": ("LIMIT = 3", "LIMIT = 4\n    LIMIT = 3"),
}


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A package in place of the project's, with a script that imports `pack.a`, and that `b`."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in {"__init__": "", "a": "from pack import b", "b": "", "c": ""}.items():
        (folder / f"{name}.py").write_text(text)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "script.py").write_text("import os\nfrom pack.a import thing\n")
    monkeypatch.setattr(code, "_PACKAGES", tmp_path)
    monkeypatch.chdir(tmp_path / "scripts")
    yield folder
    forget()


def forget():
    for remembering in (code.code_digest, code._digest, code._tree, code._imported, code._module_file):
        remembering.cache_clear()


def now(pack):
    forget()
    return code_digest(pack.parent / "scripts" / "script.py")


@pytest.mark.parametrize(("changes", "same"), [(SAME, True), (OTHER, False)])
def test_only_the_meaning_counts(pack, changes, same):
    text = textwrap.dedent(MODULE)
    (pack / "b.py").write_text(text)
    before = now(pack)
    for what, (old, new) in changes.items():
        changed = textwrap.dedent(MODULE.replace(old, new))
        assert changed != text
        (pack / "b.py").write_text(changed)
        assert (now(pack) == before) is same, what


def test_line_endings_do_not_count_in_code_and_in_what_lies_beside_it(pack):
    (pack / "b.py").write_text('TEXT = """one\ntwo"""\n')
    (pack / "page.html").write_text("<p>\n</p>\n")
    before = now(pack)
    for file in (pack / "b.py", pack / "page.html", pack.parent / "scripts" / "script.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert now(pack) == before
    (pack / "page.html").write_text("<p>more\n</p>\n")
    assert now(pack) != before


def test_the_digest_covers_what_a_script_imports_and_nothing_else(pack):
    first = now(pack)
    (pack / "c.py").write_text("x = 1")
    assert now(pack) == first
    (pack / "b.py").write_text("x = 1")
    second = now(pack)
    assert second != first
    (pack.parent / "scripts" / "script.py").write_text("import os\n")
    assert now(pack) not in (first, second)


def test_modules_that_the_script_works_without_do_not_count_nor_what_only_they_import(pack):
    script = pack.parent / "scripts" / "script.py"
    forget()
    first, with_a = code_digest(script, ("pack.a",)), code_digest(script)
    assert first != with_a
    for name in ("a", "b"):
        (pack / f"{name}.py").write_text("from pack import b\nx = 1")
    forget()
    assert code_digest(script, ("pack.a",)) == first
    assert code_digest(script) != with_a
    with pytest.raises(ModuleNotFoundError, match=r"no module pack\.d"):
        with_imports(script, ("pack.d",))


def test_modules_in_the_current_folder_count_too(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(code, "_PACKAGES", tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    first = now(pack)
    (pack / "b.py").write_text("x = 1")
    assert now(pack) != first


def test_named_modules_count_alone(pack):
    first = modules_digest(["pack.a"])
    (pack / "b.py").write_text("x = 1")
    forget()
    assert modules_digest(["pack.a"]) == first
    assert modules_digest(["pack.a", "pack.b"]) != first
    with pytest.raises(ModuleNotFoundError, match=r"no module pack\.d"):
        modules_digest(["pack.a", "pack.d"])


def test_imports_are_followed(pack):
    (pack / "b.py").write_text("def late():\n    import pack.c\n")
    forget()
    assert {file.stem for file in with_imports(pack / "a.py")} == {"a", "b", "c", "__init__"}
