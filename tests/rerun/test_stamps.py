"""Stamps: newer when what they say has changed, and only then."""

import os

import pytest

from facedance.files import read_json
from facedance.rerun.stamps import says, settle_stamp, stamp_content, write_stamp


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where digests are remembered
    file = tmp_path / "photo.jpg"
    file.write_text("a face")
    return file


def written(path, *arguments, **named):
    """Whether the stamp became newer."""
    content = stamp_content(*arguments, **named)
    known = says(path, content)
    if path.exists():
        os.utime(path, (1, 1))
    write_stamp(path, content)
    assert says(path, content)
    newer = path.stat().st_mtime > 1
    assert newer is not known
    return newer


def test_a_stamp_is_newer_only_when_its_content_changes(tmp_path):
    path = tmp_path / "stamps" / "rule.json"
    assert written(path, {"a": 1}, "code", ["x"])
    assert not written(path, {"a": 1}, "code", ["x"])
    for arguments in ({"a": 2}, "code", ["x"]), ({"a": 2}, "new", ["x"]), ({"a": 2}, "new", []):
        assert written(path, *arguments)


def test_a_damaged_stamp_is_written_again(tmp_path):
    path = tmp_path / "rule.json"
    assert written(path, {}, "code")
    for text in ('{"params": {', "5", "\xff"):
        path.write_text(text, encoding="latin-1")
        assert written(path, {}, "code")


def test_files_count_by_their_content(tmp_path, photo):
    path = tmp_path / "rule.json"
    assert written(path, {}, "code", files=[photo])
    os.utime(photo)
    assert not written(path, {}, "code", files=[photo])
    other = tmp_path / "other.jpg"
    other.write_text("b face")
    os.utime(other, (1, 1))
    other.rename(photo)
    assert written(path, {}, "code", files=[photo])
    photo.unlink()
    assert written(path, {}, "code", files=[photo])


def test_a_stamp_that_is_told_what_was_made_later_is_no_newer(tmp_path, photo):
    path, late = tmp_path / "rule.json", tmp_path / "late.jpg"
    write_stamp(path, stamp_content({}, "code", files=[photo, late]))
    os.utime(path, (1, 1))
    photo.write_text("changed by somebody meanwhile")
    late.write_text("made in this run")
    settle_stamp(path, {str(late), "what the stamp does not know"})
    assert path.stat().st_mtime == 1
    files = read_json(path)["files"]
    now = stamp_content({}, "code", files=[photo, late])["files"]
    assert files[str(late)] == now[str(late)]
    assert files[str(photo)] != now[str(photo)], "its change must still be seen"


def test_a_stamp_that_went_away_needs_no_settling(tmp_path):
    settle_stamp(tmp_path / "rule.json", {"a"})
    assert list(tmp_path.iterdir()) == []
