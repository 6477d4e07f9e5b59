"""A head enlarged, made once more, and put back."""

import numpy as np
import pytest

from facedance.config.sections import Poses, WanModel
from facedance.poses.skeleton import COCO
from facedance.poses.table import Dancers
from facedance.render.driving import Driving
from facedance.render.head_view import softness, views_of
from tests.regions.test_shares import BODY

FRAMES, SIDE, SIZE = 5, 64, (96, 80)
AT = range(1, 4)


def wan(*sizes: tuple[int, int]) -> WanModel:
    return WanModel(
        repo=None, revision=None, sizes=sizes, frames=5, fps=16, clip_scale=1, drawing_side=128, dtype="float32"
    )  # fmt: skip


def dancers(*places: float, scale: float = 0.5) -> Dancers:
    """Dancers whose hips are at these x, in pixels of a picture twice as large."""
    body = 2 * scale * np.array([BODY[name] for name in COCO])
    tracks = []
    for x in places:
        joints = np.ones((FRAMES, len(COCO), 4), np.float32)
        joints[..., :2] = body + np.array([2 * x, 80]) + 4 * np.arange(FRAMES)[:, None, None] * np.array([1, 0])
        tracks.append(joints)
    return Dancers(COCO, dict(enumerate(tracks, 1)))


def driving(shown: Dancers, size: tuple[int, int]) -> Driving:
    return Driving(shown, size, Poses(), 128)


def views(*places: float, **more: float):
    width, height = SIZE
    return views_of(driving(dancers(*places, **more), (2 * width, 2 * height)), SIZE, wan((SIDE, SIDE), (48, 80)), 1)


def picture() -> np.ndarray:
    """Frames (T, H, W, 3) of a smooth pattern."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    waves = np.stack([np.sin(x / 7), np.cos(y / 6), np.sin((x + y) / 9)], -1)
    return np.stack([(128 + 90 * waves + t).astype(np.uint8) for t in range(FRAMES)])


@pytest.mark.parametrize(
    ("sizes", "side"),
    [(((128, 128), (96, 144)), 128), (((832, 480), (480, 832), (624, 624)), 624), (((832, 480),), 624), (((48, 32),), 32)],
)
def test_the_square_is_the_models_own_or_one_of_no_more_pixels(sizes, side):
    assert wan(*sizes).square == (side, side)


def test_outside_of_the_region_no_pixel_changes():
    view, frames = views(40)[1], picture()[1:4]
    back = view.put_back(np.full((3, SIDE, SIDE, 3), 255, np.uint8), frames, AT)
    inside = np.stack([softness(region, *SIZE) > 0 for region in view.path.regions[1:4]])
    assert (back != frames).any(-1)[~inside].sum() == 0
    assert (back == 255).all(-1).any((1, 2)).all()
    changed = (back != frames).any(-1)
    assert changed.mean() > 0.5 * inside.mean()
    left, _, _, bottom = view.path.regions[1]
    assert not changed[0, :, : int(left)].any()
    assert not changed[0, int(np.ceil(bottom)) :].any()


def test_what_is_enlarged_and_put_back_is_where_it_was():
    view, frames = views(40)[1], picture()[1:4]
    large = view.enlarged(frames, AT)
    assert large.shape == (3, SIDE, SIDE, 3)
    assert np.abs(view.put_back(large, frames, AT).astype(int) - frames).max() <= 4  # an eighth of a pixel is 2 grey levels
    moved = view.put_back(np.roll(large, 6, axis=2), frames, AT).astype(int)
    assert np.abs(moved - frames).max() > 15


def test_the_pose_is_drawn_in_the_window_over_the_head():
    view = views(30, 60)[2]
    drawn = view.poses(AT)
    assert drawn.shape == (3, SIDE, SIDE, 3)
    nose = view.driving.dancers.joints[2][1, COCO.index("nose"), :2]
    window = view.path.windows[1]
    x, y = ((nose - window[:2]) * SIDE / (window[2] - window[0])).astype(int)
    assert drawn[0, y - 2 : y + 3, x - 2 : x + 3].max() > 150
    mask = view.made_anew(AT)
    assert mask[0, y, x]
    assert mask.shape == drawn.shape[:3]
    assert not mask[:, -1].any()


def test_colours_are_held_along_the_edge_whatever_the_head_itself_has():
    view, rng = views(40)[1], np.random.default_rng(0)
    was = rng.integers(60, 180, (3, SIDE, SIDE, 3), dtype=np.uint8)
    made = was + 5 * np.arange(3, dtype=np.uint8)[:, None, None, None] + np.array([9, 0, 4], np.uint8)
    shares = np.stack([softness(region, SIDE) for region in view._inside(AT)])
    made[shares == 1] = (120, 20, 20)  # hair of another colour
    held = view.held(made, was, AT)
    assert np.abs(held.astype(int) - was)[shares < 1].max() <= 1
    for t in range(3):
        away = held[t].astype(int) - made[t]
        assert (away == away[0, 0]).all(), "one shift for each channel"


def test_heads_that_a_window_would_not_enlarge_and_unseen_ones_have_no_view():
    assert [*views(40)] == [1]
    assert views(40, scale=4.0) == {}
    large = driving(dancers(40, scale=2.0), (2 * SIZE[0], 2 * SIZE[1]))
    assert views_of(large, SIZE, wan((SIDE, SIDE)), 1) == {}
    assert [*views_of(large, SIZE, wan((SIDE, SIDE)), 2)] == [1], "the model has made it half as large"
    unseen = dancers(30, 60)
    unseen.joints[1][:] = np.nan
    assert [*views_of(driving(unseen, (192, 160)), SIZE, wan((SIDE, SIDE)), 1)] == [2]
    assert views_of(driving(Dancers((), {}), (192, 160)), SIZE, wan((SIDE, SIDE)), 1) == {}
