"""Gaps are closed up to a length and marked; the filter stills jitter without falling behind."""

import numpy as np

from facedance.poses.smooth import fill_gaps, one_euro

_NAN = np.nan


def _series(*values):
    """One joint over time as (T, 1, 1)."""
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_short_gaps_are_interpolated_and_marked():
    filled, marked = fill_gaps(_series(0, _NAN, _NAN, 3, 4), max_gap_frames=2)
    assert filled.ravel().tolist() == [0, 1, 2, 3, 4]
    assert marked.ravel().tolist() == [False, True, True, False, False]


def test_longer_gaps_stay():
    filled, marked = fill_gaps(_series(0, _NAN, _NAN, 3, _NAN, 5), max_gap_frames=1)
    np.testing.assert_array_equal(filled.ravel(), [0, _NAN, _NAN, 3, 4, 5])
    assert marked.ravel().tolist() == [False, False, False, False, True, False]


def test_at_the_ends_the_nearest_is_held():
    filled, marked = fill_gaps(_series(_NAN, 1, 2, _NAN, _NAN), max_gap_frames=1)
    np.testing.assert_array_equal(filled.ravel(), [1, 1, 2, _NAN, _NAN])
    assert marked.ravel().tolist() == [True, False, False, False, False]


def test_joints_are_filled_each_by_itself():
    joints = np.array([[[0, 5], [0, 1]], [[2, 7], [_NAN, _NAN]], [[4, 9], [4, 3]]], np.float32)
    filled, marked = fill_gaps(joints, max_gap_frames=8)
    assert filled[1].tolist() == [[2, 7], [2, 2]]
    assert marked.tolist() == [[False, False], [False, True], [False, False]]


def test_a_joint_that_is_never_known_stays_unknown():
    filled, marked = fill_gaps(_series(_NAN, _NAN), max_gap_frames=8)
    assert np.isnan(filled).all()
    assert not marked.any()


def test_the_filter_stills_jitter():
    still = np.full((200, 1), 100, np.float32)
    noisy = still + np.random.default_rng(0).normal(0, 1, still.shape).astype(np.float32)
    filtered = one_euro(noisy, 16, unit=256)
    assert np.abs(filtered - still)[20:].std() < 0.75 * np.abs(noisy - still)[20:].std()


def test_the_filter_follows_what_is_fast_more_closely_than_a_plain_low_pass():
    ramp = np.arange(40, dtype=np.float32)[:, None] * 16  # 256 pixels a second: the height of the picture
    behind = ramp - one_euro(ramp, 16, unit=256)
    behind_plain = ramp - one_euro(ramp, 16, unit=256, beta=0)
    assert behind[-1] < 2
    assert behind_plain[-1] > 8


def test_the_filter_knows_no_size():
    points = np.random.default_rng(0).random((30, 3, 2)).astype(np.float32)
    np.testing.assert_allclose(one_euro(points * 512, 16, unit=512) / 512, one_euro(points, 16, unit=1), rtol=1e-5)


def test_a_gap_starts_the_filter_anew():
    filtered = one_euro(np.array([0, 0, _NAN, 500, 500], np.float32), 16, unit=256)
    np.testing.assert_array_equal(filtered, [0, 0, _NAN, 500, 500])
