"""How far a job is and how long it takes, read from logs and benchmarks."""

import io
import logging
import os
import time
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from facedance.progress import Running, all_left, usual_seconds
from snakemake_logger_plugin_facedance import LogHandler

STARTED = 1000.0


@pytest.fixture
def job(tmp_path):
    return Running("Training the adapter of ann", "train_adapter", tmp_path / "ann.log", STARTED)


def write(job, *lines, at=STARTED + 1):
    job.log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.utime(job.log, (at, at))


def test_the_newest_step_is_read_and_the_first_of_its_line(job):
    write(job, "[t] step 1 of 300", "[t] step 2 of 300, face in 5 of 9 frames", "[t] a checkpoint")
    job.look(1010)
    assert (job.last.done, job.last.total) == (2, 300)


def test_a_log_of_an_earlier_run_says_nothing(job):
    write(job, "[t] step 300 of 300", at=STARTED - 1)
    job.look(1010)
    assert job.last is None
    assert "300" not in job.complaint()


def test_a_job_without_a_log_is_no_error(job):
    job.look(1010)
    assert job.last is None
    assert job.left(1010, None) is None


def test_what_is_left_follows_the_pace_of_the_steps(job):
    write(job, "[t] going on after step 100 of 300")
    job.look(1020)
    assert job.left(1020, usual=None) is None, "one step has no pace"
    assert job.left(1020, usual=50) == 30
    write(job, "[t] step 110 of 300")
    job.look(1040)  # 10 steps in 20 s
    assert job.left(1040, usual=50) == pytest.approx(380)
    assert job.left(1050, usual=50) == pytest.approx(370)
    assert job.left(9999, usual=50) == 0


def test_only_the_end_of_a_long_log_is_read(job):
    write(job, *(f"[t] step {i} of 100000, loss 0.8953" for i in range(1, 100001)))
    job.look(1010)
    assert job.last.done == 100000
    assert len(job.lines()) < 200


def test_a_complaint_is_the_jobs_own_sentence(job):
    write(job, "[t] step 2 of 300", "[t] error: the GPU is full: take fewer frames")
    assert job.complaint() == "Training the adapter of ann: the GPU is full: take fewer frames"


def test_a_job_that_dies_without_a_word_names_its_log(job):
    write(job, "[t] step 2 of 300")
    assert str(job.log) in job.complaint()
    assert "step 2 of 300" in job.complaint()


def test_usual_seconds_are_the_mean_of_a_rules_benchmarks(tmp_path):
    (tmp_path / "cut_clips").mkdir()
    (tmp_path / "cut_clips" / "0001.tsv").write_text("s\th:m:s\n10.0\t0:00:10\n")
    (tmp_path / "cut_clips" / "0002.tsv").write_text("s\th:m:s\n20.0\t0:00:20\n")
    (tmp_path / "list_clips.tsv").write_text("s\th:m:s\n1.5\t0:00:01\n")
    assert usual_seconds("cut_clips", tmp_path) == 15
    assert usual_seconds("list_clips", tmp_path) == 1.5
    assert usual_seconds("train_adapter", tmp_path) is None


def test_what_is_left_in_all_is_shared_by_those_that_run_side_by_side():
    assert all_left([10, 20], [30, 40], lanes=2) == 50
    assert all_left([100, 20], [0], lanes=2) == 100, "no less than the longest job"
    assert all_left([10, None], [30], lanes=2) is None
    assert all_left([10], [None], lanes=2) is None
    assert all_left([], [], lanes=1) == 0


@pytest.fixture
def handler(tmp_path, monkeypatch, capsys):
    """As Snakemake makes it, in a project with two rules, at a time that stands still."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: STARTED)
    (tmp_path / "logs").mkdir()
    (tmp_path / "scripts").mkdir()
    for rule in ("cut", "train"):
        (tmp_path / "scripts" / f"{rule}.py").touch()
    return LogHandler(SimpleNamespace(dryrun=False, verbose=False, quiet=None, nocolor=False), None)


def tell(handler, event, **facts):
    """Send an event, and give what is shown then, a line for each row."""
    handler.emit(logging.makeLogRecord({"event": event, "created": STARTED, **facts}))
    text = io.StringIO()
    Console(file=text, width=110, markup=False).print(handler.table())
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def start(handler, rule, jobid):
    return tell(handler, LogEvent.JOB_INFO, rule_name=rule, rule_msg=f"{rule} {jobid}", jobid=jobid, log=[f"{jobid}.log"])


def test_the_whole_run_is_timed_once_every_rule_with_a_script_has_been(handler, tmp_path):
    counts = {"cut": 2, "train": 1, "all": 1, "total": 4}
    (tmp_path / "logs" / "cut.tsv").write_text("s\n100\n")
    tell(handler, LogEvent.RUN_INFO, stats=counts)
    assert " left" not in start(handler, "cut", 1)[0], "nobody knows what a training takes"
    (tmp_path / "logs" / "train.tsv").write_text("s\n150\n")
    tell(handler, LogEvent.RUN_INFO, stats=counts)
    total, cut = start(handler, "cut", 1)
    assert total.endswith("0 of 4 0:00:00 about 0:05:50 left"), "one at a time so far"
    assert cut.endswith("0:01:40 left")
    assert start(handler, "cut", 2)[0].endswith("0 of 4 0:00:00 about 0:02:55 left")
    tell(handler, LogEvent.JOB_FINISHED, job_id=1)
    assert tell(handler, LogEvent.JOB_FINISHED, job_id=2)[0].endswith("2 of 4 0:00:00 about 0:02:30 left")


def test_of_jobs_that_fail_only_those_that_are_not_tried_again_are_told_last(handler, capsys):
    tell(handler, LogEvent.RUN_INFO, stats={"cut": 2, "total": 2})
    for jobid in (1, 2):
        start(handler, "cut", jobid)
        tell(handler, LogEvent.JOB_ERROR, jobid=jobid)
    start(handler, "cut", 2)
    assert "1 of 2" in tell(handler, LogEvent.JOB_FINISHED, job_id=2)[0]
    assert capsys.readouterr().err == ""
    handler.close()
    assert "cut 1: ended" in (said := capsys.readouterr().err)
    assert "cut 2" not in said
