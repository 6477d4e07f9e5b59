"""Control frames look as Wan2.1-VACE has seen them, pixel by pixel where that can be worked out by hand."""

import cv2
import numpy as np
import pytest

from facedance.poses.draw import draw_pose
from facedance.poses.skeleton import OPENPOSE

# RGB in VACE's own training videos: limbs before they are dimmed to 60 %, and joints.
_LIMBS = {
    ("neck", "right_shoulder"): (0, 0, 255),
    ("neck", "left_shoulder"): (0, 85, 255),
    ("right_shoulder", "right_elbow"): (0, 170, 255),
    ("right_elbow", "right_wrist"): (0, 255, 255),
    ("left_shoulder", "left_elbow"): (0, 255, 170),
    ("left_elbow", "left_wrist"): (0, 255, 85),
    ("neck", "right_hip"): (0, 255, 0),
    ("right_hip", "right_knee"): (85, 255, 0),
    ("right_knee", "right_ankle"): (170, 255, 0),
    ("neck", "left_hip"): (255, 255, 0),
    ("left_hip", "left_knee"): (255, 170, 0),
    ("left_knee", "left_ankle"): (255, 85, 0),
    ("neck", "nose"): (255, 0, 0),
    ("nose", "right_eye"): (255, 0, 85),
    ("right_eye", "right_ear"): (255, 0, 170),
    ("nose", "left_eye"): (255, 0, 255),
    ("left_eye", "left_ear"): (170, 0, 255),
}
_JOINTS = {"nose": (0, 0, 255), "neck": (0, 85, 255), "right_wrist": (0, 255, 170), "left_ear": (85, 0, 255)}


def _body(**places):
    """Joints (18, 3): those given are sure, the others unknown."""
    joints = np.full((18, 3), np.nan, np.float32)
    for name, (x, y, *confidence) in places.items():
        joints[OPENPOSE.index(name)] = x, y, *(confidence or [1.0])
    return joints


def _colours(picture):
    return {tuple(int(c) for c in colour) for colour in np.unique(picture.reshape(-1, 3), axis=0)}


@pytest.mark.parametrize(("limb", "colour"), _LIMBS.items())
def test_each_limb_has_its_colour_at_60_percent(limb, colour):
    picture = draw_pose(_body(**{limb[0]: (50, 100), limb[1]: (150, 100)}), 256, 256, 256)
    assert tuple(picture[100, 100]) == tuple(int(c * 0.6) for c in colour)


@pytest.mark.parametrize(("joint", "colour"), _JOINTS.items())
def test_a_joint_is_a_disc_of_radius_4_at_full_colour(joint, colour):
    picture = draw_pose(_body(**{joint: (100, 60)}), 256, 256, 256)
    ys, xs = np.nonzero(picture.any(axis=2))
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (96, 104, 56, 64)
    assert _colours(picture) == {(0, 0, 0), colour}


def test_a_limb_is_an_ellipse_of_half_width_4_under_its_joints():
    picture = draw_pose(_body(right_elbow=(60, 100), right_wrist=(140, 100)), 256, 256, 256)
    shown = picture.any(axis=2)
    assert np.flatnonzero(shown[:, 100]).tolist() == list(range(96, 105))  # 9 pixels thick in its middle
    assert tuple(picture[100, 60]) == (0, 255, 255)  # the joint lies over the limb's end
    # An ellipse: 3/5 of the way out it is 4/5 as thick.
    assert np.flatnonzero(shown[:, 124]).tolist() in ([97, *range(98, 104)], list(range(97, 104)))


def test_later_limbs_lie_over_earlier_ones():
    body = _body(neck=(50, 50), right_shoulder=(150, 150), left_hip=(50, 150), left_knee=(150, 50))
    assert tuple(draw_pose(body, 256, 256, 256)[100, 100]) == (153, 102, 0)


def test_unsure_and_unknown_joints_take_their_limbs_with_them():
    unsure = _body(neck=(50, 100), right_shoulder=(150, 100, 0.3))
    assert _colours(draw_pose(unsure, 256, 256, 256)) == {(0, 0, 0), _JOINTS["neck"]}
    assert (0, 0, 153) in _colours(draw_pose(unsure, 256, 256, 256, min_confidence=0.29))
    assert not draw_pose(_body(), 256, 256, 256).any()


def test_face_dots_are_white_with_radius_3():
    face = np.array([[100, 60, 1.0], [200, 60, 0.1], [np.nan, np.nan, np.nan]], np.float32)
    picture = draw_pose(_body(), 256, 256, 256, face=face)
    ys, xs = np.nonzero(picture.any(axis=2))
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (97, 103, 57, 63)
    assert _colours(picture) == {(0, 0, 0), (255, 255, 255)}


def test_strokes_are_drawn_large_and_made_smaller_by_area():
    # 832 x 480 is drawn at 1792 x 1024: a disc of radius 4 there is about 4 pixels across here, and dimmer at its rim.
    large = np.zeros((1024, 1792, 3), np.uint8)
    cv2.circle(large, (896, 512), 4, (0, 0, 255), thickness=-1)
    expected = cv2.resize(large, (832, 480), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(draw_pose(_body(nose=(416, 240)), 832, 480, 1024), expected)


@pytest.mark.parametrize(("width", "height", "side"), [(832, 480, 1024), (480, 832, 1024), (300, 200, 256), (832, 480, 256)])
@pytest.mark.parametrize("seed", range(4))
def test_resizing_the_drawn_part_equals_resizing_the_whole(width, height, side, seed, monkeypatch):
    spread = 1.6 if seed % 2 else 0.3
    low = -0.3 if seed % 2 else 0.4
    body = (np.random.default_rng(seed).random((18, 3)) * spread + low) * [width, height, 1]
    part = draw_pose(body, width, height, side)
    monkeypatch.setattr("facedance.poses.draw._span", lambda drawn, source, target: (slice(0, source), slice(0, target)))
    np.testing.assert_array_equal(part, draw_pose(body, width, height, side))


def test_joints_of_all_bodies_lie_over_limbs_of_all():
    one, other = _body(neck=(50, 100), right_shoulder=(150, 100)), _body(neck=(100, 100))
    for bodies in ([one, other], [other, one]):
        picture = draw_pose(np.stack(bodies), 256, 256, 256)
        assert tuple(picture[100, 100]) == _JOINTS["neck"]
        assert tuple(picture[100, 75]) == (0, 0, 153)


def test_bodies_apart_are_drawn_as_each_alone():
    one, other = _body(neck=(50, 60), right_shoulder=(90, 60)), _body(neck=(150, 160), right_shoulder=(200, 160))
    alone = np.maximum(draw_pose(one, 256, 256, 256), draw_pose(other, 256, 256, 256))
    np.testing.assert_array_equal(draw_pose(np.stack([one, other]), 256, 256, 256), alone)
