"""Joints keep their meaning from one skeleton to another."""

import numpy as np
import pytest
from mediapipe.tasks.python.vision import PoseLandmark

from facedance.poses.skeleton import COCO, COLOURS, LIMBS, MEDIAPIPE, OPENPOSE, to_openpose


def test_mediapipes_names_are_mediapipes():
    assert [landmark.name.lower() for landmark in PoseLandmark] == list(MEDIAPIPE)


@pytest.mark.parametrize("names", [MEDIAPIPE, COCO])
def test_joints_go_by_name_and_the_neck_is_between_the_shoulders(names):
    joints = np.random.default_rng(0).random((2, len(names), 3)).astype(np.float32)
    mapped = to_openpose(joints, names)
    assert mapped.shape == (2, 18, 3)
    for name in set(OPENPOSE) - {"neck"}:
        np.testing.assert_array_equal(mapped[:, OPENPOSE.index(name)], joints[:, names.index(name)])
    left, right = joints[:, names.index("left_shoulder")], joints[:, names.index("right_shoulder")]
    neck = mapped[:, OPENPOSE.index("neck")]
    np.testing.assert_allclose(neck[:, :2], (left + right)[:, :2] / 2, rtol=1e-6)
    np.testing.assert_array_equal(neck[:, 2], np.minimum(left[:, 2], right[:, 2]))


def test_an_incomplete_skeleton_is_refused_by_what_it_lacks():
    with pytest.raises(ValueError, match="without left_ankle"):
        to_openpose(np.zeros((16, 3), np.float32), COCO[:15] + COCO[16:])


def test_limbs_form_one_body():
    assert len(LIMBS) == 17
    assert {joint for limb in LIMBS for joint in limb} == set(OPENPOSE)
    assert len(set(COLOURS)) == len(OPENPOSE)
