"""What a person sees of a run: bars at a terminal, plain lines elsewhere, and last of all why a job failed."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from facedance import layout
from tests.workflow.conftest import new_project

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PHOTOS = layout.SAMPLE_PHOTOS.format(identity="nora")
SENTENCE = "ada: 0 of 4 photos can be used and 3 are needed"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A project with nothing in it but what a clone has, and four files of ada's that are no pictures."""
    project = new_project(tmp_path_factory.mktemp("progress") / "p")
    project["data/photos/ada"].mkdir(parents=True)
    for i in range(4):
        project[f"data/photos/ada/{i}.jpg"].write_text("no picture")
    project.change("identities.ada", {"consent": "public-domain"})
    return project


def at_terminal(project, *arguments):
    """Exit status, and all that is written to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {**project.environment(), "TERM": "xterm"}
    command = ["snakemake", "--cores", "2", *arguments]
    process = subprocess.Popen(
        command, cwd=project.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # Linux says so when the last one has closed the terminal
            break
    os.close(ours)
    return process.wait(timeout=1500), seen.decode()


def last_line(text):
    return [line for line in ESCAPES.sub("", text).splitlines() if line.strip()][-1].strip()


@pytest.fixture
def slow_photos(fresh):
    """A third of a second more for each photo: a job of one second is over before there is anything to tell of it."""
    script = fresh["scripts/make_sample_photos.py"]
    before = script.read_text()
    slow = 'import logging, time\nlogging.getLogger("facedance").addFilter(lambda _: not time.sleep(0.3))\nwith job('
    script.write_text(before.replace("with job(", slow, 1))
    yield
    script.write_text(before)


@pytest.mark.usefixtures("slow_photos")
def test_a_terminal_shows_each_job_its_steps_and_the_time_left(fresh):
    status, text = at_terminal(fresh, "--force", PHOTOS)
    plain = ESCAPES.sub("", text)
    assert status == 0, plain[-3000:]
    assert re.search(r"Making sample pho\S+.* +\S+ +\d+ of 12 +0:00:\d\d +0:00:\d\d left", plain), plain[-3000:]
    assert re.search(r"all jobs +\S+ +0 of 1 ", plain)
    assert "Making sample photos of nora: done in 0:" in plain
    assert "[sample photos of nora]" not in plain
    assert "photo 12 of 12" in fresh["logs/make_sample_photos/nora.log"].read_text()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h"), "the cursor is hidden and comes back"


def test_after_an_earlier_run_it_is_known_how_long_the_whole_takes(fresh):
    fresh["logs/make_sample_photos"].mkdir(parents=True, exist_ok=True)
    fresh["logs/make_sample_photos/eileen.tsv"].write_text("s\th:m:s\n600.0\t0:10:00\n")
    _, text = at_terminal(fresh, "--force", PHOTOS)
    assert re.search(r"all jobs .* about 0:0\d:\d\d left", ESCAPES.sub("", text))


def test_elsewhere_lines_stay_plain(fresh):
    done = fresh.snakemake("--force", PHOTOS)
    text = done.stdout + done.stderr
    assert "Making sample photos of nora" in text
    assert "[sample photos of nora] photo 12 of 12" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


def test_a_dry_run_at_a_terminal_gives_reasons(fresh):
    status, text = at_terminal(fresh, "--dry-run", "--force", PHOTOS)
    assert status == 0
    assert "Reason:" in text


def test_why_a_job_failed_is_the_last_thing_said(fresh):
    target = "results/faces/ada/embedding.safetensors"
    done = fresh.snakemake(target, check=False)
    status, text = at_terminal(fresh, target)
    assert done.returncode == status == 1
    for said in (done.stdout + done.stderr, text):
        assert SENTENCE in last_line(said)
        assert "Traceback" not in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.stdout + done.stderr)
