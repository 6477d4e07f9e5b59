"""Drawn people in a folder as users have them, with files among them that are of no use."""

import pytest

from facedance.faces.photos import UnusablePhoto, load_photo
from facedance.inputs import photos_in
from lab.face_branch import people
from lab.face_branch.people import BAD, draw_people


def test_every_kind_of_bad_file_is_there_and_what_is_drawn_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "BAD_EVERY", 1)
    draw_people(tmp_path, 3, 2)
    files = photos_in(str(tmp_path))
    good = [name for name in files if "/" in name]
    assert sorted(good) == [f"portrait_{person:04d}/{photo}.jpg" for person in range(3) for photo in range(2)]
    assert [name.rpartition(" ")[0] for name in sorted(set(files) - set(good), key=lambda name: int(name.split()[-1][:-4]))] == [
        *(kind for kind, _ in BAD),
        BAD[0][0],
    ]
    assert all(load_photo(tmp_path / name).shape == (384, 384, 3) for name in good)
    for name in ("cut off 0.jpg", "empty 2.jpg", "text 4.jpg"):
        with pytest.raises(UnusablePhoto):
            load_photo(tmp_path / name)
    before = (tmp_path / good[0]).stat().st_mtime_ns
    draw_people(tmp_path, 3, 2)
    assert (tmp_path / good[0]).stat().st_mtime_ns == before
