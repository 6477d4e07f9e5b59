"""The window that follows a head, from landmarks."""

import numpy as np
import pytest

from facedance.poses.skeleton import OPENPOSE
from facedance.render.heads import WINDOW, follow_head
from tests.regions.test_shares import BODY

SIZE = (320, 240)
SPAN = 10.0  # from ear to ear of `BODY`


def bodies(places, scale=1.0, turn=0.0):
    """Joints (T, 18, 2) of somebody whose nose is at `places` (x, y)."""
    shape = scale * (np.array([BODY[name] for name in OPENPOSE], float) - BODY["nose"])
    turned = shape @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.array([turned + place for place in places])


def walk(frames=60):
    """From the left edge to the right one, up and down, with noise as a landmarker's."""
    x, rng = np.linspace(-10, SIZE[0] + 10, frames), np.random.default_rng(0)
    places = np.stack([x, 60 + 25 * np.sin(np.arange(frames) / 8)], 1)
    return bodies(places) + rng.normal(0, 0.4, (frames, len(OPENPOSE), 2))


def test_windows_are_squares_inside_the_frame_and_smooth():
    path = follow_head(walk(), SIZE)
    sides = path.windows[:, 2:] - path.windows[:, :2]
    assert np.allclose(sides[:, 0], sides[:, 1])
    assert path.windows.min() >= 0
    assert (path.windows[:, 2:] <= SIZE).all()
    assert np.abs(np.diff(path.windows, n=2, axis=0)).max() < 1.2  # it walks 6 pixels a frame, and stops at the edges
    assert np.abs(np.diff(sides, axis=0)).max() < 0.2


def test_a_head_is_in_its_region_and_the_region_in_its_window():
    joints = walk()
    path = follow_head(joints, SIZE)
    assert (path.regions[:, :2] >= path.windows[:, :2]).all()
    assert (path.regions[:, 2:] <= path.windows[:, 2:]).all()
    nose = joints[:, OPENPOSE.index("nose")]
    seen = ((nose > 12) & (nose < np.array(SIZE) - 12)).all(1)
    assert ((nose > path.regions[:, :2] + 4) & (nose < path.regions[:, 2:] - 4)).all(1)[seen].all()


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_it_is_as_large_as_the_head_and_a_head_that_turns_is_not_smaller(scale):
    joints = bodies([(160, 120)] * 40, scale)
    turned = joints.copy()
    ears = [OPENPOSE.index(f"{side}_ear") for side in ("left", "right")]
    turned[10:25, ears] = joints[10:25, :1] + 0.4 * (joints[10:25][:, ears] - joints[10:25, :1])
    for path in (follow_head(joints, SIZE), follow_head(turned, SIZE)):
        sides = path.windows[:, 2] - path.windows[:, 0]
        assert sides == pytest.approx(WINDOW * 2 * SPAN * scale, rel=0.1)


def test_a_head_that_lies_has_a_region_that_lies():
    upright, lying = (follow_head(bodies([(160, 120)] * 9, turn=turn), SIZE).regions[4] for turn in (0.0, np.pi / 2))
    assert upright[3] - upright[1] == pytest.approx(1.3 * (upright[2] - upright[0]), rel=0.05)
    assert lying[2] - lying[0] == pytest.approx(upright[3] - upright[1], rel=0.05)
    assert lying[3] - lying[1] == pytest.approx(upright[2] - upright[0], rel=0.05)


def test_frames_in_which_it_is_unseen_lie_between_the_others():
    joints = bodies([(100 + 2 * t, 120) for t in range(30)])
    gap = joints.copy()
    gap[10:14] = np.nan
    gap[20, OPENPOSE.index("left_ear")] = np.nan
    assert np.abs(follow_head(gap, SIZE).windows - follow_head(joints, SIZE).windows).max() < 0.5
    assert follow_head(np.full_like(joints, np.nan), SIZE) is None


def test_a_head_larger_than_the_frame_has_the_largest_square():
    path = follow_head(bodies([(160, 120)] * 3, scale=20), SIZE)
    assert np.allclose(path.windows, [40, 0, 280, 240])
