"""Everybody in drawn pictures, with MediaPipe's real model."""

import numpy as np
import pytest

from facedance.config.sections import Poses
from facedance.poses.crowd import MOST, distinct, everybody, looks_of
from facedance.poses.group import find_group, meeting
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from facedance.sample.group import Stage
from tests.poses.drawn_group import group, ids_kept, side_by_side

STAGE = Stage(854, 480, 9, 16)


@pytest.fixture(scope="module")
def finder(pose_model):
    with open_landmarker(pose_model, "image", people=MOST) as opened:
        yield opened


def kept(pictures, finder):
    """How many are found in drawn pictures, and the share of the frames in which each number is its dancer."""
    frames, truth = zip(*pictures, strict=True)
    size = frames[0].shape[1::-1]
    found = find_group(frames, size, finder, Poses())
    return len(found.joints), ids_kept(found.joints[:, :, COCO_IN_MEDIAPIPE, :2], np.stack(truth, axis=1), size)


@pytest.mark.parametrize("names", [("d02", "d20"), ("d11", "d04")])
def test_dances_that_were_filmed_side_by_side_are_told_apart(finder, names):
    assert kept(side_by_side(names, STAGE), finder) == (2, 1.0)


def test_a_trio_is_followed(finder):
    assert kept(group("0.0", 3, STAGE), finder) == (3, 1.0)


def test_everybody_in_a_wide_picture_is_seen_once(finder):
    picture, joints = next(group("0.1", 3, STAGE))
    people = everybody(picture, finder)
    assert len(people) == 3
    hips = people[:, [23, 24], :2].mean(axis=1)
    apart = np.linalg.norm(hips[:, None] - joints[None, :, 11:13].mean(axis=2), axis=-1)
    assert sorted(apart.argmin(axis=1)) == [0, 1, 2]
    assert apart.min(axis=1).max() < 20


def standing(x):
    body = np.ones((33, 4), np.float32)
    body[:, 0] = x + np.where(np.arange(33) % 2, 8, -8)
    body[:, 1] = 10 + np.linspace(0, 100, 33)
    body[[11, 12], 1], body[[23, 24], 1] = 35, 65
    return body


def test_two_skeletons_of_one_person_are_one():
    surer, other = standing(50), standing(110)
    double = standing(54)
    double[:, 3] = 0.5
    np.testing.assert_array_equal(distinct(np.stack([double, other, surer])), np.stack([other, surer]))


def test_looks_are_the_colours_of_clothes_and_unknown_out_of_the_picture():
    frame = np.zeros((120, 200, 3), np.uint8)
    frame[30:70] = 255, 0, 0
    looks = looks_of(np.stack([standing(100), standing(400)]), frame)
    np.testing.assert_allclose(looks[0, 0], [53.2, 80.1, 67.2], atol=0.5)  # red in Lab
    np.testing.assert_allclose(looks[0, 2], 0, atol=0.5)
    assert np.isnan(looks[1]).all()


def test_people_meet_where_one_may_hide_the_other():
    joints = np.stack(
        [np.stack([standing(20), standing(20), standing(20)]), np.stack([standing(80), standing(24), standing(20)])]
    )
    joints[1, 2] = np.nan
    np.testing.assert_array_equal(meeting(joints), [[False, True, False]] * 2)
