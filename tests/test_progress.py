"""How far a job is and how long it takes, read from logs and benchmarks."""

import os

import pytest

from facedance.progress import Running, all_left, usual_seconds

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
