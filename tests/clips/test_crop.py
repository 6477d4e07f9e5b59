"""Windows around dancers, and who the dancer is."""

import numpy as np
import pytest

from facedance.clips.crop import center_window, crop_and_resize, dancer_window, whole_window
from facedance.clips.in_view import body_box, count_dancers, find_dancer, find_dancers

HD = (1920, 1080)


def inside(window, boxes, margin=0.0) -> bool:
    x, y, w, h = window
    low, high = boxes[:, :2].min(axis=0) - margin, boxes[:, 2:].max(axis=0) + margin
    return bool(x <= low[0] and y <= low[1] and x + w >= high[0] and y + h >= high[1])


@pytest.mark.parametrize("aspect", [1.0, 832 / 480, 480 / 832])
def test_the_whole_dancer_stays_in_view_with_the_margin(aspect):
    boxes = np.array([[800, 400, 950, 700], [820, 380, 1010.5, 690.2]])
    window = dancer_window(boxes, HD, aspect, margin=0.1)
    assert inside(window, boxes, margin=31)  # of 310.2 pixels
    x, y, w, h = window
    assert x >= 0
    assert y >= 0
    assert w / h == pytest.approx(aspect, rel=0.01)
    assert min(w - (1010.5 - 800 + 62), h - (700 - 380 + 62)) < 3  # and no larger than that takes


def test_a_dancer_at_the_edge_moves_the_window_inside():
    boxes = np.array([[0.0, 300, 200, 1079]])
    x, y, w, h = window = dancer_window(boxes, HD, 832 / 480, margin=0.12)
    assert inside(window, boxes)
    assert (x >= 0, y >= 0, x + w <= 1920, y + h <= 1080) == (True, True, True, True)


@pytest.mark.parametrize("width", [900, 1080])
def test_the_margin_yields_before_the_picture_ends(width):
    """A dancer whose margin would need more than the picture has gets less of it, not black edges."""
    boxes = np.array([[500.0, 40, 500 + width, 1040]])
    x, y, w, h = window = dancer_window(boxes, HD, 1.0, margin=0.3)
    assert inside(window, boxes)
    assert (x >= 0, y >= 0, x + w <= 1920, y + h <= 1080) == (True, True, True, True)


def test_a_dancer_too_wide_for_the_aspect_gets_black_edges_evenly():
    boxes = np.array([[200.0, 300, 1700, 900]])
    x, y, w, h = window = dancer_window(boxes, HD, 1.0, margin=0.1)
    assert inside(window, boxes)
    assert (w, h) == (1500, 1500)
    assert (x, y) == (200, -210)


def test_what_lies_beyond_the_picture_is_not_asked_for():
    boxes = np.array([[-300.0, -50, 400, 1300]])
    assert dancer_window(boxes, HD, 16 / 9, margin=0.12) == (0, 0, 1920, 1080)


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        (HD, 1.0, (420, 0, 1080, 1080)),
        ((1080, 1920), 832 / 480, (0, 648, 1080, 623)),
        (HD, 16 / 9, (0, 0, 1920, 1080)),
    ],
)
def test_the_centre_is_as_large_as_fits(size, aspect, expected):
    assert center_window(size, aspect) == expected


def test_the_whole_picture_fits_with_edges():
    assert whole_window((1080, 1920), 1.0) == (-420, 0, 1920, 1920)
    assert whole_window(HD, 16 / 9) == (0, 0, 1920, 1080)


def test_cropping_takes_the_window_and_blackens_the_rest():
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[10:20, 30:50] = (10, 200, 30)
    assert np.array_equal(crop_and_resize(frame, (30, 10, 20, 10), (20, 10)), frame[10:20, 30:50])
    halved = crop_and_resize(frame, (30, 10, 20, 10), (10, 5))
    assert np.all(halved == (10, 200, 30))
    white = np.full((40, 60, 3), 255, np.uint8)
    wide = crop_and_resize(white, (-30, -5, 120, 50), (120, 50))
    assert np.all(wide[5:45, 30:90] == 255)
    assert wide.sum() == white.sum()


def test_shrinking_averages_areas():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.all(crop_and_resize(stripes, (0, 0, 64, 64), (16, 16)) == 100)


def test_growing_is_smooth():
    step = np.zeros((8, 8, 3), np.uint8)
    step[:, 4:] = 255
    assert len(np.unique(crop_and_resize(step, (0, 0, 8, 8), (64, 64)))) > 4


def person(x: float, y: float, height: float) -> np.ndarray:
    """Landmarks (33, 4) of somebody standing with their middle at x, from y down."""
    landmarks = np.ones((33, 4), np.float32)
    landmarks[:, 0] = x + np.linspace(-0.2, 0.2, 33) * height
    landmarks[:, 1] = y + np.linspace(0, 1, 33) * height
    return landmarks


def test_a_body_is_larger_than_its_landmarks():
    np.testing.assert_allclose(body_box(person(100, 50, 200)), [60 - 16, 50 - 16, 140 + 16, 250 + 16], rtol=1e-6)


def test_the_tallest_is_the_dancer():
    boxes, reason = find_dancer([np.stack([person(50, 100, 80), person(300, 20, 250)]), np.stack([person(310, 20, 250)])])
    assert reason == ""
    assert boxes.shape == (2, 4)
    assert np.all(boxes[:, 0] > 200)


def test_frames_without_anybody_are_left_out():
    boxes, reason = find_dancer([np.zeros((0, 33, 4)), np.stack([person(300, 20, 250)])])
    assert (len(boxes), reason) == (1, "")


def test_nobody_is_a_reason():
    boxes, reason = find_dancer([np.zeros((0, 33, 4))] * 7)
    assert boxes.shape == (0, 4)
    assert reason == "shows nobody in 7 sampled frames"


@pytest.mark.parametrize(("share", "crowded", "refused"), [(0.62, 6, True), (0.62, 5, False), (0.55, 10, False)])
def test_several_of_similar_height_in_most_frames_are_a_reason(share, crowded, refused):
    alone, two = np.stack([person(300, 20, 250)]), np.stack([person(500, 20, 250 * share), person(300, 20, 250)])
    _, reason = find_dancer([two] * crowded + [alone] * (10 - crowded))
    assert reason == (f"shows several people of similar size in {crowded} of 10 sampled frames" if refused else "")


def test_a_group_is_all_who_are_not_much_smaller_than_the_tallest():
    frame = np.stack([person(50, 100, 80), person(300, 20, 250), person(400, 100, 120)])
    boxes, reason = find_dancers([frame, np.zeros((0, 33, 4))], group=True)
    assert reason == ""
    np.testing.assert_allclose(boxes, [np.concatenate([body_box(frame[1])[:2], [body_box(frame[2])[2], body_box(frame[1])[3]]])])
    assert find_dancers([np.zeros((0, 33, 4))] * 3, group=True)[1] == "shows nobody in 3 sampled frames"


@pytest.mark.parametrize(
    ("seen", "count"), [([2] * 10, 2), ([3, 3, 3] + [2] * 7, 3), ([3, 3] + [2] * 8, 2), ([0, 0], 1), ([], 1)]
)
def test_so_many_dance_as_are_seen_at_once_often(seen, count):
    people = [np.stack([person(100 * k, 10, 100) for k in range(n)]) if n else np.zeros((0, 33, 4)) for n in seen]
    assert count_dancers(people) == count
