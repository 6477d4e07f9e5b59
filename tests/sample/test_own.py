"""Which files are the sample's and which are the user's."""

import shutil

import numpy as np
import pytest

from facedance import layout
from facedance.sample import catalogue, own, photos
from facedance.sample.own import is_own_or_absent, own_files
from facedance.sample.record import record_own


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where digests are remembered
    (tmp_path / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "videos" / name).write_text(name)
    record_own(tmp_path / "a.json", [tmp_path / "videos/a.mp4"])
    return str(tmp_path / "videos")


def test_what_holds_what_the_sample_made_is_its_own(folder, tmp_path):
    assert own_files("a.json", folder) == {f"{folder}/a.mp4"}
    shutil.copy(f"{folder}/b.mp4", f"{folder}/a.mp4")
    assert own_files("a.json", folder) == set()
    assert own_files("none.json", folder) == set()
    (tmp_path / "a.json").write_text("[damaged")
    assert own_files("a.json", folder) == set()


def test_a_file_that_the_user_put_there_is_not_made_anew(folder, tmp_path):
    assert is_own_or_absent(f"{folder}/a.mp4", "a.json", "stamp")
    assert is_own_or_absent(f"{folder}/c.mp4", "c.json", "stamp"), "it is not there yet"
    assert not is_own_or_absent(f"{folder}/b.mp4", "b.json", "stamp")
    (tmp_path / "stamp").touch()
    assert is_own_or_absent(f"{folder}/b.mp4", "b.json", "stamp"), "it is being made"
    shutil.copy(f"{folder}/b.mp4", f"{folder}/a.mp4")
    assert not is_own_or_absent(f"{folder}/a.mp4", "a.json", "stamp")


def test_photos_of_the_user_stay_and_those_of_another_seed_do_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(photos, "PHOTOS", ("IMG_2041.jpg", "IMG_2042.jpg"))
    drawn = iter(np.arange(0, 240, 20))
    monkeypatch.setattr(photos, "photograph", lambda *_: np.full((8, 8, 3), next(drawn), np.uint8))
    folder, record = tmp_path / "eileen", tmp_path / "record.json"
    photos.make_photos(folder, "eileen", 0, record)
    first, second = (folder / name for name in photos.PHOTOS)
    before = first.read_bytes()
    second.write_text("the user's")
    photos.make_photos(folder, "eileen", 1, record)
    assert first.read_bytes() != before
    assert second.read_text() == "the user's"
    assert own_files(record, str(folder), "eileen") == {str(first)}


def test_with_and_without_the_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert own.videos_to_make() == list(catalogue.VIDEOS), "nothing is there yet"
    assert own.keypoints_to_make(catalogue.VIDEOS) == list(catalogue.KEYPOINT_SEQUENCES)
    assert list(own.photos_of("eileen", sample=True)) == sorted(catalogue.PHOTOS)
    for name in catalogue.VIDEOS[:2]:
        video = tmp_path / layout.VIDEO.format(video=name)
        video.parent.mkdir(parents=True, exist_ok=True)
        video.write_text(name)
        record_own(tmp_path / layout.SAMPLE_VIDEO.format(video=name), [video])
    video.write_text("the user's")
    photos_here = tmp_path / "data/photos/eileen"
    (photos_here / "deep").mkdir(parents=True)
    for name in ("IMG_2041.jpg", "deep/mine.jpg"):
        (photos_here / name).write_text(name)
    record_own(photos_here / ".sample/photos.json", [photos_here / "IMG_2041.jpg"], "eileen")
    assert own.videos_to_make() == [name for name in catalogue.VIDEOS if name != catalogue.VIDEOS[1]]
    assert own.keypoints_to_make(own.videos_to_make()) == [catalogue.KEYPOINT_SEQUENCES[1]]
    assert own.own_videos() == {layout.VIDEO.format(video=catalogue.VIDEOS[0])}
    assert list(own.photos_of("eileen", sample=True)) == ["IMG_2041.jpg", "deep/mine.jpg"]
    assert own.photos_of("eileen", sample=False) == {"deep/mine.jpg": "data/photos/eileen/deep/mine.jpg"}


def test_a_folder_copied_with_the_record_of_another_person_is_the_users(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/photos/eileen"
    folder.mkdir(parents=True)
    (folder / "IMG_2041.jpg").write_text("a photo")
    record_own(folder / ".sample/photos.json", [folder / "IMG_2041.jpg"], "eileen")
    shutil.copytree(folder, folder.with_name("ann"))
    assert own.photos_of("eileen", sample=False) == {}
    assert list(own.photos_of("ann", sample=False)) == ["IMG_2041.jpg"]
    assert list(own.photos_of("ann", sample=True)) == sorted(catalogue.PHOTOS), "hers are still to be made"
