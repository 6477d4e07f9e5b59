"""Drawn dancers behind a drawn audience: the right skeleton, or a reason."""

import numpy as np
import pytest

from facedance.config.sections import Poses
from facedance.evaluate.pose import compare
from facedance.poses.find import PEOPLE, find_pose
from facedance.poses.landmarker import open_landmarker
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE
from tests.poses.drawn_crowd import Crowd, crowd

FRAMES = 9


@pytest.fixture
def found(pose_model):
    """What is found in a drawn crowd: share of the joints that are right, and the reason to refuse."""

    def find(seed, hidden):
        pictures, truth = zip(*crowd(seed, Crowd(640, 360, FRAMES, hidden=hidden)), strict=True)
        with open_landmarker(pose_model, "image", people=PEOPLE) as finder:
            joints, doubt = find_pose(pictures, 16, finder, pose_model, Poses())
        wanted = np.stack(truth)
        return compare(joints[:, COCO_IN_MEDIAPIPE, :2], wanted, np.ones(wanted.shape[:2], bool)).pck, doubt

    return find


def test_a_dancer_above_the_audience_is_found(found):
    pck, doubt = found(4, 0.0)
    assert doubt == ""
    assert pck >= 0.95


def test_hidden_legs_are_told(found):
    _, doubt = found(4, 0.3)
    assert "legs are hidden" in doubt


def test_equal_seeds_draw_equal_crowds():
    first, second = (next(crowd(3, Crowd(320, 180, 2))) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
