"""AIST++'s pickles are read as data, whichever protocol wrote them, and can run nothing."""

import os
import pickle
import subprocess

import numpy as np
import pytest

from facedance.job import InputError
from facedance.poses.keypoints2d import clip_keypoints
from facedance.poses.pickled import read_pickled

_FULL_HD = {"crop": (0, 0, 1920, 1080), "source_size": (1920, 1080), "clip_size": (1920, 1080)}


def _written(tmp_path, value, protocol=4):
    path = tmp_path / "file.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def _sequence(frames=600):
    """A file as AIST++'s: x = frame, y = camera, confidence 0.9, in all joints."""
    table = np.empty((9, frames, 17, 3))
    table[..., 0] = np.arange(frames)[:, None]
    table[..., 1] = np.arange(1, 10)[:, None, None]
    table[..., 2] = 0.9
    return {"keypoints2d": table, "det_scores": np.ones((9, frames)), "timestamps": np.arange(frames) * 16667}


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_plain_values_come_back_as_they_were(tmp_path, protocol):
    shared = np.arange(6, dtype=np.float32)
    value = {
        "big": np.random.default_rng(0).normal(size=(3, 4, 5)),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "swapped": np.arange(4, dtype=">i4"),
        "every": [shared, shared, np.array([True, False]), np.zeros((2, 3), np.uint8)],
        "plain": ("text", -1, 2**70, 1.5, None, True, b"\x00\xff", {"a": []}, (), (1, 2), (1, 2, 3, 4)),
    }
    back = read_pickled(_written(tmp_path, value, protocol))
    assert back["plain"] == value["plain"]
    for name in ("big", "columns", "swapped"):
        np.testing.assert_array_equal(back[name], value[name], strict=True)
    for read, written in zip(back["every"], value["every"], strict=True):
        np.testing.assert_array_equal(read, written, strict=True)


def test_files_of_older_numpy_are_read(tmp_path):
    content = pickle.dumps(_sequence(5), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path = tmp_path / "old.pkl"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_pickled(path)["keypoints2d"], _sequence(5)["keypoints2d"])


class _Call:
    """A pickle that calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, subprocess.getoutput])
def test_a_call_is_refused_and_not_made(tmp_path, protocol, function):
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w')" if function is eval else f"touch {trace}"
    path = _written(tmp_path, {"keypoints2d": np.zeros(3), "x": _Call(function, code)}, protocol)
    with pytest.raises(ValueError, match="more than numbers"):
        read_pickled(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301  (the file is a real threat: Python's own reader runs it)
    assert trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04t.",
        b"no pickle at all",
        pickle.dumps(_sequence(5))[:-40],
        b"\x80\x04" + b"}" * 3 + b".",
        b"\x80\x04R.",
        b"\x80\x04h\x05.",
        b"\x80\x04cnumpy\nndarray\n)R.",
        b"\x80\x04cnumpy\ndtype\n(X\x02\x00\x00\x00O8\x89\x88tR.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
        pickle.dumps(np.array(["a", None], dtype=object)),
        pickle.dumps({1: "a key that is no name"}),
        pickle.dumps({1, 2}),
        pickle.dumps(np.ones(4)).replace(b"\x04\x85", b"\x05\x85"),
    ],
)
def test_what_is_damaged_or_no_data_is_a_value_error(tmp_path, content):
    path = tmp_path / "bad.pkl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="pickle"):
        read_pickled(path)


def test_a_clip_takes_its_frames_by_time_and_its_camera(tmp_path):
    path = _written(tmp_path, _sequence())
    joints = clip_keypoints(path, "c03", start_s=2.0, fps=16, frames=81, **_FULL_HD)
    assert joints.shape == (81, 17, 3)
    assert joints.dtype == np.float32
    assert (joints[..., 1] == 3).all()
    np.testing.assert_allclose(joints[:, 0, 0], 120 + np.arange(81) * 60 / 16, atol=0.5)


def test_pixels_follow_the_source_size_the_crop_and_the_clip_size(tmp_path):
    content = _sequence(5)
    content["keypoints2d"][0, 0, 0] = 960, 540, 0.5  # the middle of the picture
    # A video of 640 x 360, of which the clip shows 180 x 180 around (320, 180) at 256 x 256.
    joints = clip_keypoints(
        _written(tmp_path, content),
        "c01",
        start_s=0,
        fps=60,
        frames=1,
        crop=(230, 90, 180, 180),
        source_size=(640, 360),
        clip_size=(256, 256),
    )
    np.testing.assert_allclose(joints[0, 0], [128, 128, 0.5], rtol=1e-6)
    np.testing.assert_allclose(joints[0, 1], [-230 * 256 / 180, (1 / 3 - 90) * 256 / 180, 0.9], rtol=1e-5)


@pytest.mark.parametrize("camera", ["c00", "c10", "cAll"])
def test_nothing_is_known_of_a_camera_that_is_not_in_the_file(tmp_path, camera):
    joints = clip_keypoints(_written(tmp_path, _sequence(4)), camera, start_s=0, fps=60, frames=3, **_FULL_HD)
    assert joints.shape == (3, 17, 3)
    assert np.isnan(joints).all()


def test_what_the_file_does_not_know_is_nan(tmp_path):
    content = _sequence(4)
    content["keypoints2d"][0, 1, 2] = np.nan
    content["keypoints2d"][0, 2, 3] = 0
    joints = clip_keypoints(_written(tmp_path, content), "c01", start_s=0, fps=60, frames=6, **_FULL_HD)
    unknown = np.isnan(joints).all(axis=2)
    assert unknown[4:].all()
    assert np.argwhere(unknown[:4]).tolist() == [[1, 2], [2, 3]]
    assert not np.isnan(joints[~unknown]).any()


@pytest.mark.parametrize(
    ("value", "camera", "sentence"),
    [
        ({"keypoints3d": np.zeros((4, 17, 3))}, "c01", "no array of shape"),
        ({"keypoints2d": np.zeros((9, 4, 18, 3))}, "c01", "no array of shape"),
        ({"keypoints2d": _Call(os.getcwd)}, "c01", "more than numbers"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path, value, camera, sentence):
    path = _written(tmp_path, value)
    with pytest.raises(InputError, match=rf"file\.pkl .*{sentence}"):
        clip_keypoints(path, camera, start_s=0, fps=16, frames=2, **_FULL_HD)
