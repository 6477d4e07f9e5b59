"""The pose model is built from a wheel of MediaPipe, with the same bytes each time."""

import io
import time
import zipfile

import pytest

from facedance.files import sha256
from facedance.job import InputError
from facedance.models.pose_bundle import fetch_networks, fetch_pose_model, write_bundle
from facedance.poses.landmarker import open_landmarker

_WHEEL = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    return fetch_networks(folder, folder / "pose.task")


@pytest.fixture(scope="module")
def bundle(networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "pose.task"
    write_bundle(networks, path)
    return path


def test_equal_networks_give_equal_bytes_at_any_time(networks, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    write_bundle(networks, tmp_path / "later.task")
    assert sha256(tmp_path / "later.task") == sha256(bundle)


def test_members_are_stored_and_aligned(bundle):
    with zipfile.ZipFile(bundle) as archive:
        members = archive.infolist()
        assert [m.filename for m in members] == ["pose_detector.tflite", "pose_landmarks_detector.tflite"]
        assert archive.testzip() is None
    content = bundle.read_bytes()
    for member in members:
        assert member.compress_type == zipfile.ZIP_STORED
        # "TFL3" stands 4 bytes into a .tflite: where it is found is where the member's data really begin.
        start = content.index(b"TFL3", member.header_offset) - 4
        assert start % 4 == 0
        assert content[start : start + member.file_size] == zipfile.ZipFile(io.BytesIO(content)).read(member)


def test_mediapipe_opens_it(bundle):
    with open_landmarker(bundle, "image"):
        pass


def test_no_wheel_to_be_had_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    out = tmp_path / "pose" / "pose.task"
    with pytest.raises(InputError, match=r"could not download mediapipe==0\.10\.21 .*by hand"):
        fetch_pose_model(out)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("holds_networks", [True, False])
def test_another_wheel_of_that_name_is_refused(tmp_path, monkeypatch, holds_networks):
    with zipfile.ZipFile(tmp_path / _WHEEL, "w") as wheel:
        wheel.writestr("mediapipe-0.10.21.dist-info/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        wheel.writestr("mediapipe-0.10.21.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        if holds_networks:
            wheel.writestr("mediapipe/modules/pose_detection/pose_detection.tflite", "not the network")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    out = tmp_path / "pose" / "pose.task"
    with pytest.raises(InputError, match="is damaged" if holds_networks else "is not MediaPipe's"):
        fetch_pose_model(out)
    assert list(out.parent.iterdir()) == []
