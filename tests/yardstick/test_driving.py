"""The driving dance at any moment, and in pictures of any shape."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from facedance.config.params import load
from facedance.evaluate.agreement import Wanted, pose_of
from facedance.evaluate.observe import Observation
from facedance.job import InputError
from facedance.poses.skeleton import COCO, COCO_IN_MEDIAPIPE
from facedance.video.writing import write_video
from facedance.yardstick import driving as dances
from facedance.yardstick.driving import FITS, Driving, best_fit

FRAMES, FPS, SIZE = 9, 25, (200, 100)


def dance() -> Driving:
    """Somebody with a torso of 40 px who moves by 2 px a frame."""
    joints = np.ones((FRAMES, 17, 3), np.float32)
    joints[..., :2] = np.random.default_rng(0).uniform(20, 80, (17, 2)).astype(np.float32)
    for side, x in (("left", 60), ("right", 40)):
        joints[:, COCO.index(f"{side}_shoulder"), :2] = (x, 30)
        joints[:, COCO.index(f"{side}_hip"), :2] = (x, 70)
    joints[..., 0] += 2 * np.arange(FRAMES, dtype=np.float32)[:, None]
    return Driving("a_000", joints, FPS, SIZE, Path("a_000.mp4"), None)


def test_at_its_own_times_the_dance_is_itself():
    driving = dance()
    driving.joints[4, 3] = (np.nan, np.nan, 0)
    np.testing.assert_array_equal(driving.at(np.arange(FRAMES) / FPS), driving.joints)
    rounded = np.round(np.arange(FRAMES) / FPS, 5)  # as files have them
    np.testing.assert_array_equal(driving.at(rounded), driving.joints)


def test_between_two_frames_joints_lie_on_the_line_and_are_as_visible_as_in_the_worse():
    driving = dance()
    driving.joints[3, 5, 2] = 0.2
    driving.joints[3, 6] = (np.nan, np.nan, 0)
    between = driving.at(np.array([2.25 / FPS]))[0]
    np.testing.assert_allclose(between[0, :2], driving.joints[2, 0, :2] + [0.5, 0], rtol=1e-5)
    assert between[5, 2] == np.float32(0.2)
    assert between[6, 2] == 0


def test_a_video_that_is_longer_than_the_dance_is_compared_with_it_alone():
    driving = dance()
    after = driving.at(np.array([8, 8.4, 8.6, 20]) / FPS)
    np.testing.assert_array_equal(after[:2], driving.joints[[8, 8]])
    assert (after[2:, :, 2] == 0).all()


def seen_at(joints: np.ndarray) -> Observation:
    """Somebody who is found just so."""
    people = np.full((len(joints), 33, 4), np.nan, np.float32)
    people[:, COCO_IN_MEDIAPIPE, :2] = joints[..., :2]
    empty = np.zeros((0, 3), np.float32)
    shapes = np.zeros((0, 68, 2))
    return Observation(np.zeros(0, np.int64), empty, shapes, people, np.zeros(1), np.zeros(len(joints)), empty, empty)


@pytest.mark.parametrize(
    ("how", "scale", "shift"),
    [("stretched", (0.75, 1.5), 0), ("cut to fill", (1.5, 1.5), -75), ("fitted whole", (0.75, 0.75), 0)],
)
def test_in_another_shape_the_fit_counts_in_which_the_video_does_best(how, scale, shift):
    driving, size = dance(), (150, 150)
    found = driving.joints.copy()
    found[..., :2] = found[..., :2] * np.float32(scale) + np.float32([shift, 37.5 if how == "fitted whole" else 0])
    wanted = Wanted(None, np.zeros((0, 3), np.float32), 0.6, None)
    fitted, told = best_fit(driving, np.arange(FRAMES) / FPS, size, seen_at(found), wanted)
    assert how in FITS
    assert told == f"the dance is 200 x 100, taken as {how}"
    score = pose_of(seen_at(found), fitted, 0, FRAMES)
    assert score.pck == 1
    assert score.error_px == pytest.approx(0, abs=1e-3)


def test_in_the_same_shape_joints_go_along_with_the_size():
    driving, wanted = dance(), Wanted(None, np.zeros((0, 3), np.float32), 0.6, None)
    same, told = best_fit(driving, np.arange(FRAMES) / FPS, SIZE, seen_at(driving.joints), wanted)
    assert told == ""
    assert same.driving is not None
    np.testing.assert_array_equal(same.driving, driving.joints)
    doubled, told = best_fit(driving, np.arange(FRAMES) / FPS, (400, 200), seen_at(driving.joints), wanted)
    assert told == ""
    assert doubled.driving is not None
    np.testing.assert_allclose(doubled.driving[..., :2], 2 * driving.joints[..., :2], rtol=1e-5)


@pytest.fixture
def found(monkeypatch):
    """What MediaPipe finds in a driving video: a person in the middle of the picture, and why to doubt it."""
    answer = {"doubt": "", "seen": 1.0}

    def find_pose(frames, fps, finder, model, params):
        height, width = frames[0].shape[:2]
        joints = np.full((len(frames), 33, 4), np.nan, np.float32)
        joints[: round(answer["seen"] * len(frames))] = (width / 2, height / 4, 0, 0.9)
        answer["frames"], answer["size"], answer["fps"] = len(frames), (width, height), fps
        return joints, answer["doubt"]

    monkeypatch.setattr(dances, "find_pose", find_pose)
    monkeypatch.setattr(dances, "open_landmarker", lambda *_, **__: contextlib.nullcontext())
    return answer


def test_any_video_can_drive(found, tmp_path):
    params = load(Path(__file__).parents[2] / "params.yaml")
    write_video(tmp_path / "waltz.mp4", np.full((25, 480, 360, 3), 90, np.uint8), 24)
    dance = dances.of_video(tmp_path / "waltz.mp4", params, Path("pose.task"))
    assert (dance.name, dance.fps, dance.source, dance.control) == ("waltz", 16, tmp_path / "waltz.mp4", None)
    assert (found["frames"], found["fps"]) == (17, 16)
    assert min(found["size"]) > min(dance.size)  # poses are looked for in more pixels than a tiny model's clips have
    assert dance.joints.shape == (17, 17, 3)
    np.testing.assert_allclose(dance.joints[:, 0], np.tile([dance.size[0] / 2, dance.size[1] / 4, 0.9], (17, 1)), rtol=1e-4)


def test_a_video_whose_dancer_cannot_be_followed_drives_nothing(found, tmp_path):
    params = load(Path(__file__).parents[2] / "params.yaml")
    write_video(tmp_path / "crowd.mp4", np.full((20, 96, 96, 3), 90, np.uint8), 16)
    found["doubt"] = "others are as large"
    with pytest.raises(InputError, match=r"the dancer of .*crowd\.mp4 cannot be followed: others are as large"):
        dances.of_video(tmp_path / "crowd.mp4", params, Path("pose.task"))
    found.update(doubt="", seen=0.5)
    with pytest.raises(InputError, match=r"cannot be followed: seen in 50% of its frames"):
        dances.of_video(tmp_path / "crowd.mp4", params, Path("pose.task"))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"the driving video .*text\.mp4 cannot be opened"):
        dances.of_video(tmp_path / "text.mp4", params, Path("pose.task"))
