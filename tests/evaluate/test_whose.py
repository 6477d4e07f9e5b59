"""Faces and poses are given to the dancers whose places they are in, and to nobody where they are in none."""

import numpy as np
import pytest

from facedance.evaluate.whose import faces_by_dancer, heads_of, in_view, poses_by_dancer, torsos_of
from tests.evaluate.drawn_dancers import HEAD_Y, NECK, TORSO, dancer

NECKS = np.array([20.0, 20.0])
SIZE = (352, 208)


def crossing(frames: int = 9) -> np.ndarray:
    """Joints (2, T, 17, 2) of two who exchange their places."""
    across = np.linspace(60, 280, frames)
    return np.stack([[dancer(x) for x in across], [dancer(x) for x in across[::-1]]])


def test_heads_and_torsos_are_measured_where_joints_are_known() -> None:
    joints = crossing()
    joints[0, 0] = np.nan
    joints[0, 1, :3] = np.nan  # the ears are left
    heads = heads_of(joints)
    assert np.isnan(heads.centres[0, 0]).all()
    np.testing.assert_allclose(heads.centres[0, 1], joints[0, 1, 3:5].mean(axis=0))
    np.testing.assert_allclose(heads.necks, NECK)
    np.testing.assert_allclose(torsos_of(joints), TORSO)
    never = np.full((1, 3, 17, 2), np.nan)
    assert np.isnan([heads_of(never).necks, torsos_of(never)]).all()


def test_heads_that_may_cover_each_other_or_are_outside_are_not_in_view() -> None:
    joints = crossing()
    joints[1, 0, :5] = np.nan
    joints[1, 8] += [300, 0]
    view = in_view(heads_of(joints), SIZE)
    middle = [t != 4 for t in range(9)]
    assert view[0].tolist() == middle
    assert view[1].tolist() == [t not in {0, 4, 8} for t in range(9)]


def test_faces_of_crossing_dancers_go_along_with_them() -> None:
    joints = crossing()
    heads = heads_of(joints)
    for t in np.flatnonzero(in_view(heads, SIZE).all(axis=0)):
        faces = heads.centres[[1, 0], t] + [3, 5]
        assert faces_by_dancer(faces, heads.centres[:, t], heads.necks).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([], [-1, -1]),
        ([(102, 52), (258, 47)], [0, 1]),
        ([(258, 47), (102, 52)], [1, 0]),
        ([(102, 52)], [0, -1]),  # the other's head is hidden
        ([(180, 50), (102, 52)], [1, -1]),  # nobody's is between them
        ([(100, 90)], [-1, -1]),  # what looks like a face on the clothes
        ([(102, 52), (104, 66), (258, 47)], [0, 2]),
    ],
)
def test_a_face_is_that_of_the_nearest_head_or_nobodys(faces: list, expected: list[int]) -> None:
    heads = np.array([[100, HEAD_Y], [260, HEAD_Y]])
    assert faces_by_dancer(np.array(faces), heads, NECKS).tolist() == expected


def test_of_two_heads_near_to_each_other_each_keeps_its_own_face() -> None:
    heads = np.array([[100.0, 50], [114, 50]])
    assert faces_by_dancer(np.array([[101.0, 50]]), heads, NECKS).tolist() == [0, -1]
    stray = np.array([[101.0, 50], [82, 50]])  # would go to the one if the other took the one's
    assert faces_by_dancer(stray, heads, NECKS).tolist() == [0, -1]
    both = np.array([[110.0, 50], [99, 50]])  # nearest to the one alone would be the second for both
    assert faces_by_dancer(both, heads, NECKS).tolist() == [1, 0]


def test_a_dancer_who_is_not_there_gets_nothing() -> None:
    heads, never = np.array([[np.nan, np.nan], [260, 50]]), np.array([np.nan, 20.0])
    assert faces_by_dancer(np.array([[260.0, 50]]), heads, never).tolist() == [-1, 0]
    wanted = np.stack([np.full((17, 2), np.nan), dancer(260)])
    assert poses_by_dancer(dancer(265)[None], wanted, np.array([np.nan, TORSO])).tolist() == [-1, 0]


def test_poses_of_crossing_dancers_go_along_with_them_and_far_ones_with_nobody() -> None:
    joints = crossing()
    for t in (0, 3, 5, 8):
        found = np.stack([dancer(320, 150), joints[1, t] + 4, joints[0, t] - 4])
        assert poses_by_dancer(found, joints[:, t], torsos_of(joints)).tolist() == [2, 1]
    assert poses_by_dancer(joints[:0, 0], joints[:, 0], torsos_of(joints)).tolist() == [-1, -1]


def test_joints_that_do_not_count_say_nothing_of_whose_a_pose_is() -> None:
    wanted, found = dancer(100)[None].copy(), dancer(100)[None].copy()
    found[0, 9:] += 300
    torso = np.array([TORSO])
    assert poses_by_dancer(found, wanted, torso).tolist() == [-1]
    wanted[0, 9:] = np.nan
    assert poses_by_dancer(found, wanted, torso).tolist() == [0]
