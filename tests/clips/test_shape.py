"""Which of a model's sizes a clip gets, what it shows then, and that nothing of it is black where that can be."""

import numpy as np
import pytest

from facedance.clips.crop import covered
from facedance.clips.cut import cut_video
from facedance.clips.shape import best_shape, nearest_size
from facedance.config.sections import Clips, WanModel
from facedance.video.frames import read_frames
from tests.clips.videos import make_video

WIDE, UPRIGHT, SQUARE = SIZES = ((832, 480), (480, 832), (624, 624))
PHONE, AIST, BOX = (1080, 1920), (1920, 1080), (1080, 1080)


@pytest.mark.parametrize(
    ("source", "dancer", "size", "share"),
    [
        (PHONE, (200, 150, 880, 1800), UPRIGHT, 0.88),  # large
        (PHONE, (200, 0, 880, 1920), UPRIGHT, 1.0),  # as large as the picture, which is a little narrower than the size
        (PHONE, (430, 900, 650, 1500), UPRIGHT, 0.80),  # small
        (PHONE, (0, 700, 1080, 1300), WIDE, 0.95),  # small, from edge to edge
        (AIST, (800, 200, 1100, 1000), UPRIGHT, 0.80),  # in one place
        (AIST, (400, 200, 1500, 1000), SQUARE, 0.74),  # some steps aside
        (AIST, (0, 150, 1920, 1000), WIDE, 0.78),  # from edge to edge
        (BOX, (300, 40, 800, 1050), UPRIGHT, 0.93),
        (BOX, (0, 200, 1080, 900), SQUARE, 0.64),
    ],
)
def test_a_clip_has_the_size_in_which_its_dancer_is_largest_without_black(source, dancer, size, share):
    boxes = np.array([dancer], float)
    shape = best_shape(boxes, source, SIZES, margin=0.12)
    assert shape.size == size
    x, y, w, h = shape.window
    assert (x >= 0, y >= 0, x + w <= source[0], y + h <= source[1]) == (True, True, True, True)
    assert w / h == pytest.approx(size[0] / size[1], rel=0.01)
    assert (dancer[3] - dancer[1]) / h == pytest.approx(min(share, source[1] / h), abs=0.03)
    hidden = np.maximum([x - dancer[0], y - dancer[1], dancer[2] - x - w, dancer[3] - y - h], 0)
    assert hidden.max() <= 0.04 * (dancer[3] - dancer[1])  # half of what a body's box adds to its joints


def test_black_stays_where_a_dancer_is_wider_than_any_size_allows():
    cinema, dancer = (2560, 1080), np.array([[0.0, 200, 2560, 1000]])
    shape = best_shape(dancer, cinema, SIZES, margin=0.12)
    assert shape.size == WIDE
    assert (shape.window[0], shape.window[2]) == (0, 2560)
    x0, y0, x1, y1 = covered(shape.window, cinema, shape.size)
    assert (x0, x1) == (0, 832)
    assert (y0, y1) == pytest.approx((480 * 198 / 1477, 480 * 1278 / 1477), abs=0.5)


def test_a_crop_that_follows_is_larger_and_one_of_the_middle_keeps_the_most():
    crossing = np.array([[x, 200.0, x + 300, 1000] for x in range(0, 1600, 200)])
    assert best_shape(crossing, AIST, SIZES, "dancer", 0.12).size == WIDE
    assert best_shape(crossing, AIST, SIZES, "follow", 0.12).size == UPRIGHT
    assert [best_shape(crossing, source, SIZES, "center").size for source in (PHONE, AIST, BOX)] == [UPRIGHT, WIDE, SQUARE]
    assert best_shape(crossing, AIST, [SQUARE, (624, 624)]).size is SQUARE, "of equals the first"
    others = [(512, 256), (640, 480), (480, 480)]
    assert best_shape(crossing[:1], AIST, others).size == (480, 480), "of equally tall ones the narrower"
    assert best_shape(crossing[:1], AIST, [(480, 480), (480, 540)]).size == (480, 480), "the first where another gains little"
    assert best_shape(crossing[:1], AIST, [(480, 480), (480, 600)]).size == (480, 600)


@pytest.mark.parametrize(
    ("source", "size"), [((1920, 1080), WIDE), ((640, 480), WIDE), ((1080, 1350), SQUARE), ((1080, 1920), UPRIGHT)]
)
def test_a_control_video_has_the_nearest_size(source, size):
    assert nearest_size(source, SIZES) == size


@pytest.mark.parametrize(
    ("source", "dancer"), [((108, 192), (0.3, 0.08, 0.9)), ((192, 108), (0.4, 0.1, 0.8)), ((108, 108), (0.2, 0, 1))]
)
def test_no_pixel_of_a_clip_is_black(tmp_path, source, dancer):
    def white(number, width, height):
        return np.full((height, width, 3), 255, np.uint8)

    wan = WanModel(sizes=((80, 48), (48, 80), (64, 64)), frames=17, fps=16, clip_scale=2, drawing_side=128, dtype="float32")
    video = make_video(tmp_path / "v.mp4", np.arange(20) / 16, size=source, picture=white)
    x, top, tall = dancer
    person = np.ones((1, 33, 4), np.float32)
    person[0, :, 0] = (x + np.linspace(0, 0.1, 33)) * source[0]
    person[0, :, 1] = (top + np.linspace(0, tall, 33)) * source[1]
    (row,) = cut_video("v", video, tmp_path / "out", Clips(), wan, lambda frame: person)
    frames = read_frames(tmp_path / "out" / "v_000.mp4")
    assert frames.shape[1:3] == (row["height"], row["width"])
    assert row["height"] >= row["width"]
    assert frames.min() > 240
    assert tall * source[1] >= 0.7 * row["crop_h"]
