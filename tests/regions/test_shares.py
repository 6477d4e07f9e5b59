"""Whose each part of a picture is."""

import numpy as np
import pytest

from facedance.poses.skeleton import LIMBS, OPENPOSE
from facedance.regions.shares import REACH, reaches, shares

SIZE, SHAPE = (256, 128), (3, 16, 32)  # width and height; T', h, w
BODY = {
    "nose": (0, -40), "neck": (0, -30), "right_eye": (-2, -42), "left_eye": (2, -42), "right_ear": (-5, -41),
    "left_ear": (5, -41), "right_shoulder": (-10, -29), "right_elbow": (-16, -15), "right_wrist": (-18, -2),
    "left_shoulder": (10, -29), "left_elbow": (16, -15), "left_wrist": (18, -2), "right_hip": (-6, 0), "right_knee": (-7, 20),
    "right_ankle": (-7, 40), "left_hip": (6, 0), "left_knee": (7, 20), "left_ankle": (7, 40),
}  # fmt: skip


def body(*places):
    """Joints (1, T, 18, 2) of somebody whose hips are at `places` (x, y)."""
    shape = np.array([BODY[name] for name in OPENPOSE], float)
    return np.array([[shape + place for place in places]])


def test_each_dancer_has_their_own_place_and_the_rest_is_nobodys():
    joints = np.concatenate([body(*[(64, 64)] * 5), body(*[(192, 64)] * 5)])
    left, right = shares(joints, reaches(joints), SIZE, SHAPE)
    assert left[:, :, 16:].abs().max() < 1e-6
    assert right[:, :, :16].abs().max() < 1e-6
    assert left[0].flip(1).allclose(right[0], atol=1e-5)
    for x, y in ((64, 24), (64, 50), (58, 100), (64, 18)):  # head, breast, leg, hair
        assert left[1, y // 8, x // 8] > 0.95
    assert left[1, 0, 0] == right[1, 0, 31] == left[1, 8, 14] == 0


def test_parts_are_shared_where_dancers_cross_and_never_jump():
    steps = np.linspace(40, 216, 45)
    joints = np.concatenate([body(*[(x, 64) for x in steps]), body(*[(256 - x, 60) for x in steps])])
    parts = shares(joints, reaches(joints), SIZE, (45, 16, 32))
    assert parts.min() >= 0
    assert parts.sum(0).max() <= 1 + 1e-6
    assert parts.diff(dim=1).abs().max() < 0.75  # of 4 pixels a frame, half a latent one
    assert parts[:, 22].sum((1, 2)).min() > 0.2 * parts[:, 0].sum((1, 2)).max(), "one has nothing where they meet"


def test_who_is_not_seen_has_no_part():
    joints = np.concatenate([body(*[(64, 64)] * 9), body(*[(80, 64)] * 9), np.full((1, 9, 18, 2), np.nan)])
    alone = shares(joints[:1], reaches(joints)[:1], SIZE, SHAPE)
    joints[1, 5:] = np.nan
    parts = shares(joints, reaches(joints), SIZE, SHAPE)
    assert parts[1, 2].max() == parts[2].max() == 0
    assert parts[0, 2].allclose(alone[0, 2])
    assert parts[1, 1].max() > 0.8
    assert not np.isnan(parts).any()


def test_a_latent_frame_has_the_mean_of_its_frames():
    joints = body(*[(60 + 8 * t, 64) for t in range(9)])
    single = shares(joints, reaches(joints), SIZE, (9, 16, 32))[0]
    parts = shares(joints, reaches(joints), SIZE, SHAPE)[0]
    assert parts[0].allclose(single[0])
    assert parts[1].allclose(single[1:5].mean(0))
    assert parts[2].allclose(single[5:].mean(0))
    with pytest.raises(ValueError, match="8 frames"):
        shares(joints[:, :8], reaches(joints), SIZE, SHAPE)


def test_the_reach_is_of_the_clip_and_of_what_is_seen():
    joints = body((64, 64), (64, 64), (64, 64))
    longest = max(np.linalg.norm(np.subtract(BODY[a], BODY[b])) for a, b in LIMBS)
    assert reaches(joints) == pytest.approx([REACH * longest])
    joints[0, 1] = np.nan
    assert reaches(joints) == pytest.approx([REACH * longest])
    assert reaches(np.full((1, 3, 18, 2), np.nan)) == [0]
