"""Atomic files, per-item reuse, stamps, and how a job ends."""

import errno
import os
import socket
import subprocess
import sys
import textwrap

import pytest

from facedance.files import atomic, digest, read_json, write_json
from facedance.job import InputError, job
from facedance.rerun import stamps
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.rerun.stamps import code_digest, write_stamp


def test_a_file_is_whole_or_absent(tmp_path):
    target = tmp_path / "sub" / "a.mp4"

    def write_half():
        with atomic(target) as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".mp4"
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert list(target.parent.iterdir()) == []
    with atomic(target) as temporary:
        temporary.write_text("whole")
    assert target.read_text() == "whole"


def test_what_killed_processes_left_behind_goes_away(tmp_path):
    """Not what a process that runs, or one of another machine, may be writing."""
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    host = socket.gethostname().partition(".")[0]
    left = tmp_path / f".a.{host}-{killed.pid}.part.mp4"
    others = [tmp_path / f".b.{host}-{os.getppid()}.part.mp4", tmp_path / f".a.elsewhere-{killed.pid}.part.mp4"]
    for file in (left, *others):
        file.touch()
    killed.kill()
    killed.wait()
    with atomic(tmp_path / "c.mp4") as temporary:
        temporary.touch()
    assert not left.exists()
    assert all(file.exists() for file in others)


def test_an_old_file_survives_a_failed_rewrite(tmp_path):
    target = tmp_path / "a.json"
    write_json(target, {"a": 1})
    with pytest.raises(OSError, match="full"), atomic(target):
        raise OSError(errno.ENOSPC, "full")
    assert read_json(target) == {"a": 1}


def test_digest_depends_on_values_not_on_order():
    assert digest({"a": 1, "b": [1.0, "é"]}) == digest({"b": [1.0, "é"], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


@pytest.fixture
def item(tmp_path):
    product = tmp_path / "x.mp4"
    product.write_bytes(b"video")
    write_json(tmp_path / "stamp.json", {"params": {"fps": 16}, "code": "c", "items": ["x"]})
    key = item_key(tmp_path / "stamp.json", "sha of the input")
    record(tmp_path, "x", key, [product], {"frames": 3})
    return tmp_path, product, key


def test_an_undamaged_item_is_reused(item):
    folder, _, key = item
    assert reusable(folder, "x", key) == {"frames": 3}


def test_other_key_damage_and_loss_are_made_again(item):
    folder, product, key = item
    assert reusable(folder, "x", "other key") is None
    assert reusable(folder, "y", key) is None
    product.write_bytes(b"vide")
    assert reusable(folder, "x", key) is None
    product.unlink()
    assert reusable(folder, "x", key) is None
    (folder / ".items" / "x.json").write_text('{"key": ')
    assert reusable(folder, "x", key) is None


def test_the_key_follows_parameters_and_code_but_not_the_list_of_items(tmp_path):
    def key(**content):
        write_json(tmp_path / "s.json", {"params": 1, "code": "a", "items": [], **content})
        return item_key(tmp_path / "s.json", "input")

    assert key() == key(items=["one more"])
    assert len({key(), key(params=2), key(code="b")}) == 3


def test_a_stamp_is_newer_only_when_its_content_changes(tmp_path):
    path = tmp_path / "stamps" / "rule.json"
    write_stamp(path, {"a": 1}, "code", ["x"])
    os.utime(path, (1, 1))
    write_stamp(path, {"a": 1}, "code", ["x"])
    assert path.stat().st_mtime == 1
    for arguments in ({"a": 2}, "code", ["x"]), ({"a": 2}, "new", ["x"]), ({"a": 2}, "new", []):
        os.utime(path, (1, 1))
        write_stamp(path, *arguments)
        assert path.stat().st_mtime > 1


def test_the_code_digest_covers_what_a_script_imports_and_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "pack"
    package.mkdir()
    for name, text in {"__init__": "", "a": "from pack import b", "b": "", "c": ""}.items():
        (package / f"{name}.py").write_text(text)
    script = tmp_path / "script.py"
    script.write_text("import os\nfrom pack.a import thing\n")
    monkeypatch.setattr(stamps, "_PACKAGE", package)

    def now():
        stamps._digest.cache_clear()
        stamps._imported.cache_clear()
        stamps.code_digest.cache_clear()
        return code_digest(script)

    first = now()
    (package / "c.py").write_text("x = 1")
    assert now() == first
    (package / "b.py").write_text("x = 1")
    second = now()
    assert second != first
    script.write_text("import os\n")
    assert now() not in (first, second)


JOB = """
from facedance.job import InputError, job
with job({log!r}, "demo") as log:
    log.info("working")
    {statement}
"""


@pytest.mark.parametrize(
    ("statement", "code", "shown", "hidden"),
    [
        ("raise InputError('two photos of five')", 1, "[demo] two photos of five", "Traceback"),
        ("raise OSError(28, 'No space left on device', 'results/x.mp4')", 1, "disk is full (results/x.mp4)", "Traceback"),
        ("raise KeyError('bug')", 1, "Traceback", "disk"),
        ("pass", 0, "[demo] working", "Traceback"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_a_defect_is_a_traceback(tmp_path, statement, code, shown, hidden):
    log = tmp_path / "logs" / "demo.log"
    program = textwrap.dedent(JOB).format(log=str(log), statement=statement)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code
    for text in (done.stderr, log.read_text()):
        assert shown in text
        assert hidden not in text


def test_job_leaves_no_handler_behind(tmp_path):
    for _ in range(2):
        with pytest.raises(SystemExit), job(tmp_path / "a.log", "x"):
            raise InputError("no")
    assert (tmp_path / "a.log").read_text().count("no") == 1
