"""What joints cannot be a dancer's."""

import numpy as np
import pytest

from facedance.config.sections import Poses
from facedance.poses.looks import Looks, join, mirrored
from facedance.poses.plausible import implausible
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.track import Sightings

SIZE = (400, 300)
LEVELS = {"shoulder": 0.2, "elbow": 0.35, "wrist": 0.5, "hip": 0.5, "knee": 0.75, "ankle": 0.95, "heel": 1.0, "foot_index": 1.0}


def dancing(frames=17, height=200.0):
    """Landmarks (T, 33, 4) of somebody who stands upright in the middle and sways."""
    joints = np.zeros((frames, 33, 4), np.float32)
    for j, name in enumerate(MEDIAPIPE):
        side = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
        level = next((level for part, level in LEVELS.items() if part in name), 0.05)
        joints[:, j, 0] = 200 + side * 0.1 * height + 8 * np.sin(np.arange(frames) / 3)
        joints[:, j, 1] = 50 + level * height
    joints[..., 3] = 0.95
    return joints


def reason(joints, *, apart=0.05, seen=None, **params):
    at = np.arange(0, len(joints), 8)
    looks = Looks(joints, np.where(np.isfinite(joints[..., 0]), apart, np.nan).astype(np.float32), joints[..., 3])
    return implausible(looks, Sightings(at, dancing(len(joints))[at] if seen is None else seen[at]), SIZE, Poses(**params))


def legs(joints, column, value, names=("left_knee", "right_knee", "left_ankle", "right_ankle")):
    changed = joints.copy()
    changed[:, [MEDIAPIPE.index(name) for name in names], column] = value
    return changed


def test_a_dancer_is_plausible():
    assert reason(dancing()) == ""


@pytest.mark.parametrize(
    ("joints", "given", "said"),
    [
        (dancing() * [1, -1, 1, 1] + np.array([0, 300, 0, 0]), {}, "the head is below the hips in 17 of 17 frames"),
        (np.repeat(dancing()[:1], 17, axis=0), {}, "nothing moves: joints stay within 0.0 % of the dancer's height"),
        (dancing() + np.array([100, 0, 0, 0]), {}, "the skeleton is elsewhere than the person whom the detector sees in 3 of 3"),
        (dancing(height=80) + np.array([0, 60, 0, 0]), {}, "the skeleton is elsewhere"),
        (dancing(), {"seen": np.full((17, 33, 4), np.nan, np.float32)}, "the detector sees nobody in 3 of 3 frames"),
        (legs(dancing(), 3, 0.2), {}, "the legs are hidden in 100 % of the frames"),
        (legs(dancing(), 1, 320), {}, "the legs are outside the picture in 100 % of the frames"),
        (dancing(), {"apart": 0.5}, "two looks differ on the left shoulder in 100 % of the frames; max_unsure is 0.15"),
        (legs(dancing(), 1, 170, names=("left_knee",)), {}, "the left lower leg is 3.5 times as long as the upper one"),
    ],
)
def test_what_cannot_be_is_told_with_numbers(joints, given, said):
    assert reason(joints.astype(np.float32), **given).startswith(said)


def test_a_jump_tells_where_it_is():
    joints = dancing()
    joints[9:, :, 0] += 150
    assert reason(joints).startswith("the dancer jumps by 0.8 of their height from frame 8 to 9")


def test_a_slip_of_the_tracker_does_not_cost_a_whole_dance():
    joints = dancing(340)
    joints[100:103, :, 0] += 150  # away and back
    assert reason(joints) == ""
    joints[200:203, :, 0] += 150
    assert "jumps" in reason(joints)


def test_limits_are_parameters():
    assert reason(legs(dancing(), 3, 0.2), max_hidden_legs=1) == ""
    assert reason(dancing(), apart=0.5, max_unsure=1) == ""


def test_joints_on_which_both_looks_agree_are_in_the_middle():
    there = mirrored(dancing() + np.float32(4) * np.array([1, 0, 0, 0], np.float32), SIZE[0])
    looks = join(dancing(), mirrored(there, SIZE[0]))
    np.testing.assert_allclose(looks.joints[..., 0], dancing()[..., 0] + 2, atol=1e-3)
    assert looks.apart.max() < 0.1


def test_where_they_differ_the_likelier_one_is_taken_and_is_less_sure():
    wrong = dancing()
    wrist = MEDIAPIPE.index("left_wrist")
    wrong[5:8, wrist, :2] += 60
    looks = join(dancing(), wrong)
    np.testing.assert_allclose(looks.joints[5:8, wrist, :2], dancing()[5:8, wrist, :2])
    assert (looks.joints[5:8, wrist, 3] == 0).all()
    assert (looks.apart[5:8, wrist] > 1).all()


def test_a_look_that_has_nobody_leaves_the_other_one_unsure():
    none = dancing()
    none[3] = np.nan
    looks = join(dancing(), none)
    np.testing.assert_allclose(looks.joints[3], dancing()[3])
    assert np.isinf(looks.apart[3]).all()
    assert np.isnan(join(none, none).joints[3]).all()
