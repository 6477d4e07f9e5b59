"""Atomic files, and how a job ends."""

import errno
import os
import socket
import subprocess
import sys
import textwrap

import pytest

from facedance.files import atomic, digest, read_json, write_json
from facedance.job import InputError, job


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


JOB = """
from facedance.job import InputError, job
with job({log!r}, "demo") as log:
    log.info("working")
    {statement}
"""


@pytest.mark.parametrize(
    ("statement", "code", "shown", "hidden"),
    [
        ("raise InputError('two photos of five')", 1, "[demo] error: two photos of five", "Traceback"),
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
