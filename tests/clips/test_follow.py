"""A crop that follows the dancer: where it goes, what the clip then shows, and that others know."""

import numpy as np
import pytest

from facedance.clips.cut import cut_video
from facedance.clips.follow import camera_path
from facedance.clips.original import Original
from facedance.config.sections import Clips, WanModel
from facedance.video.frames import read_frames
from facedance.video.window_path import path_file, save_path, windows_of
from tests.clips.videos import make_video

HD, FPS = (1920, 1080), 16


def seen(middles, tall=800, wide=300):
    """Boxes of a dancer with these middles."""
    return np.array([[x - wide / 2, 150, x + wide / 2, 150 + tall] for x in middles])


@pytest.mark.parametrize("frames", [17, 49])
def test_a_dancer_who_crosses_stays_in_view_of_a_smooth_camera(frames):
    at = list(range(0, frames, 4))
    middles = np.linspace(200, 200 + 600 * frames / FPS / 2, len(at)) + 25 * np.sin(at)
    path = camera_path(at, seen(middles), frames, FPS, (0, 0, 560, 971), HD)
    x, y = path.T
    assert path.shape == (frames, 2)
    assert (x.min() >= 0, x.max() <= 1920 - 560, y.min() >= 0, y.max() <= 1080 - 971) == (True, True, True, True)
    assert (x[at] <= middles - 150 + 1).all()
    assert (x[at] + 560 >= middles + 150 - 1).all()
    assert np.abs(np.diff(x)).max() <= 971 / FPS + 1
    assert np.abs(np.diff(x, 2)).max() <= 0.1 * np.ptp(x)  # no jerks


def test_a_dancer_who_sways_does_not_move_the_camera():
    at = list(range(0, 49, 4))
    path = camera_path(at, seen(900 + 60 * np.sin(at)), 49, FPS, (0, 0, 560, 971), HD)
    assert np.ptp(path, axis=0).tolist() == [0, 0]


def test_a_dancer_who_runs_is_followed_no_faster_than_the_limit():
    path = camera_path([0, 4, 8], seen([200, 900, 1700]), 9, FPS, (0, 0, 560, 971), HD)
    assert np.abs(np.diff(path[:, 0])).max() <= 971 / FPS + 1


def test_a_window_larger_than_the_picture_stays_in_its_middle():
    path = camera_path([0, 8], seen([200, 1700]), 9, FPS, (0, 0, 2000, 1156), HD)
    assert np.unique(path, axis=0).tolist() == [[-40, -38]]


def test_a_clip_shows_what_the_camera_sees_and_keeps_its_path(tmp_path):
    wan = WanModel(sizes=((48, 80), (80, 48)), frames=17, fps=FPS, clip_scale=2, drawing_side=128, dtype="float32")
    times = np.arange(20) / FPS

    def lighter(number, width, height):
        return np.broadcast_to(np.linspace(0, 250, width)[None, :, None], (height, width, 3)).astype(np.uint8)

    looked = iter(range(1000))  # ten frames for the clip itself, then one of four

    def find(frame):
        look = next(looked)
        x = 40 + 240 * (look / 9 if look < 10 else (look - 10) / 4)
        return np.stack([np.column_stack([np.full(33, x), np.linspace(20, 160, 33), np.ones((33, 2))])])

    video = make_video(tmp_path / "v.mp4", times, size=(320, 180), picture=lighter)
    (row,) = cut_video("v", video, tmp_path, Clips(crop="follow"), wan, find)
    clip = tmp_path / "v_000.mp4"
    assert (row["width"], row["height"]) == (96, 160)
    windows = windows_of(clip, tuple(row[f"crop_{name}"] for name in "xywh"), 17)
    assert windows[0] == tuple(row[f"crop_{name}"] for name in "xywh")
    assert windows[-1][0] > windows[0][0] + 100
    middles = np.array([x + w / 2 for x, _, w, _ in windows])
    np.testing.assert_allclose(read_frames(clip).mean(axis=(1, 2, 3)), middles * 250 / 320, atol=6)
    original = Original.of(clip, video, {name: str(value) for name, value in row.items()})
    np.testing.assert_allclose([p.mean() for p in original.pictures([0, 16])], middles[[0, 16]] * 250 / 320, atol=6)
    cut_video("v", video, tmp_path, Clips(), wan, find)
    assert not path_file(clip).exists()


def test_a_path_is_read_as_it_was_written(tmp_path):
    assert windows_of(tmp_path / "a.mp4", (1, 2, 30, 40), 2) == [(1, 2, 30, 40)] * 2
    save_path(tmp_path / "a.mp4", np.array([[5, 6], [7, 8]]))
    assert windows_of(tmp_path / "a.mp4", (5, 6, 30, 40), 2) == [(5, 6, 30, 40), (7, 8, 30, 40)]
