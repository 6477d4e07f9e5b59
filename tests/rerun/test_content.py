"""Digests of files: of what they hold now, and without reading what has not changed."""

import os
import time

import pytest

from facedance.files import sha256
from facedance.rerun import content
from facedance.rerun.content import content_digest, remembered_in


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    new_run()
    yield tmp_path
    new_run()


@pytest.fixture
def read(project, monkeypatch):
    """The files that were read."""
    files = []

    def reading(path):
        files.append(os.path.basename(path))
        return sha256(path)

    monkeypatch.setattr(content, "sha256", reading)
    return files


def new_run():
    """Forget what a process knows."""
    content._known.cache_clear()


def put(name, text):
    with open(f"data/{name}", "w") as file:
        file.write(text)
    return f"data/{name}"


def test_a_file_is_read_once_also_by_later_runs(read):
    path = put("a.mp4", "dance")
    first = content_digest(path)
    assert first == sha256(path)
    assert content_digest(path) == first
    new_run()
    assert content_digest(path) == first
    assert read == ["a.mp4"]


@pytest.mark.parametrize("times", [None, "kept"])
def test_another_file_in_its_place_is_read_whatever_its_time(read, times):
    """Of the same size, renamed or written over, and with the same time of modification."""
    path = put("a.jpg", "one")
    before = os.stat(path)
    first = content_digest(path)
    for text, rename in (("two", True), ("six", False)):
        time.sleep(0.02)  # a change of status is dated by the kernel's clock, which ticks every few ms
        source = put("b.jpg", text) if rename else path
        put(os.path.basename(source), text)
        if times:
            os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.rename(source, path)
        new_run()
        assert content_digest(path) == sha256(path) != first
    assert len(read) == 3


def test_what_is_absent_or_cannot_be_read_has_no_digest(project):
    assert content_digest("data/absent.mp4") is None
    assert content_digest("data") is None
    os.symlink("nowhere", "data/broken.mp4")
    assert content_digest("data/broken.mp4") is None
    put("broken.mp4.later", "x")
    os.rename("data/broken.mp4.later", "data/broken.mp4")
    assert content_digest("data/broken.mp4") == sha256("data/broken.mp4")


def test_lines_that_are_not_whole_are_passed_over(read):
    paths = [put(f"{i}.mp4", str(i)) for i in range(3)]
    for path in paths:
        content_digest(path)
    memory = remembered_in("data")
    lines = memory.read_bytes().splitlines(keepends=True)
    memory.write_bytes(lines[0] + b"\0\xff\n5\n" + lines[1][:30] + b"\n" + lines[2])
    new_run()
    read.clear()
    assert [content_digest(path) for path in paths] == [sha256(path) for path in paths]
    assert read == ["1.mp4"]


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(project):
    (project / ".cache").write_text("a file")
    path = put("a.mp4", "dance")
    assert content_digest(path) == sha256(path)


def test_names_may_hold_anything(read):
    name = os.fsdecode(b"Z\xfcrich \xe9.jpg")
    first = content_digest(put(name, "face"))
    new_run()
    assert content_digest(f"data/{name}") == first
    assert len(read) == 1


def test_each_folder_is_remembered_apart_so_that_a_person_can_be_forgotten(project):
    (project / "data/photos/ann").mkdir(parents=True)
    content_digest(put("photos/ann/1.jpg", "face"))
    content_digest(put("a.mp4", "dance"))
    remembered_in("data/photos/ann").unlink()
    assert not any("1.jpg" in file.read_text() for file in (project / ".cache").rglob("*.jsonl"))
    assert "a.mp4" in remembered_in("data").read_text()


def test_a_long_wait_is_told(project, monkeypatch, caplog):
    monkeypatch.setattr(content, "_MANY", 10)
    for name in ("a.mp4", "b.mp4"):
        put(name, "a long dance")
    content_digest("data/a.mp4")
    content_digest("data/b.mp4")
    assert [record.getMessage().split("(")[0] for record in caplog.records] == ["reading 2 files of data once "]
