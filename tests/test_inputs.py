"""What lies in data/: every file is found, and has a name or a reason."""

import os

import pytest

from facedance.inputs import files_below, photos_in, videos_in


@pytest.fixture
def folder(tmp_path):
    def fill(*paths):
        for path in paths:
            file = tmp_path / "data" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x")
        return str(tmp_path / "data")

    return fill


def test_videos_are_found_at_any_depth_in_any_case(folder):
    data = folder("a.mp4", "day 1/MVI_1.MOV", "day 1/cut/b.webm", ".hidden.mp4", ".stamps/c.mp4")
    found = videos_in(data)
    assert found.files == {
        "a": f"{data}/a.mp4", "MVI_1": f"{data}/day 1/MVI_1.MOV", "b": f"{data}/day 1/cut/b.webm",
    }  # fmt: skip
    assert found.unusable == {}


def test_what_is_no_video_has_a_reason(folder, tmp_path):
    data = folder("a.mp4", "notes/a.txt", "README")
    os.symlink(tmp_path / "gone.mp4", f"{data}/link.mp4")
    os.symlink("loop.mp4", f"{data}/loop.mp4")
    os.mkfifo(f"{data}/pipe.mp4")
    found = videos_in(data)
    assert list(found.files) == ["a"]
    assert sorted(found.unusable) == ["README", "link.mp4", "loop.mp4", "notes/a.txt", "pipe.mp4"]
    assert found.unusable["link.mp4"] == f"is a link to {tmp_path}/gone.mp4, which is not there"
    assert found.unusable["pipe.mp4"] == "is no file"
    assert "(mp4, mov," in found.unusable["notes/a.txt"]


def test_names_of_any_bytes_are_used_and_can_be_written_down(folder):
    bad = os.fsdecode(b"caf\xe9.mp4")
    data = folder(bad, "{x}.mp4", "a\nb.mp4", "e\u0301.mp4", "é.mp4")
    found = videos_in(data)
    assert len(found.files) == 5
    assert f"{data}/{bad}" in found.files.values()
    assert "".join(found.files).encode()
    photos = photos_in(data)
    assert photos["caf\\udce9.mp4"] == f"{data}/{bad}"
    assert len(photos) == 5


def test_two_photos_shown_by_one_text_both_count(folder):
    data = folder(os.fsdecode(b"\xff.jpg"), "\\udcff.jpg")
    assert len(photos_in(data)) == 2


def test_folders_may_be_links_and_are_read_once(folder, tmp_path):
    data = folder("a.mp4")
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "b.mp4").touch()
    (disk / "round").symlink_to(disk)
    os.symlink(disk, f"{data}/more")
    assert files_below(data) == [f"{data}/a.mp4", f"{data}/more/b.mp4"]
    os.symlink(data, tmp_path / "elsewhere")
    assert [os.path.basename(path) for path in files_below(str(tmp_path / "elsewhere"))] == ["a.mp4", "b.mp4"]
    assert files_below(str(tmp_path / "nothing")) == []
