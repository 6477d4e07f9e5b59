"""Larger copies of small clips."""

import numpy as np
import pytest

from facedance.clips.cut import cut_video
from facedance.config.sections import Clips, WanModel
from facedance.poses.view import view_file, view_size
from facedance.video.frames import read_frames
from facedance.video.times import inspect
from tests.clips.videos import codes_of, make_video

SMALL = WanModel(
    repo=None, revision=None, sizes=[(80, 32)], frames=17, fps=16,
    clip_scale=1, drawing_side=128, dtype="float32",
)  # fmt: skip


@pytest.mark.parametrize(
    ("window", "clip", "size"),
    [
        ((0, 0, 400, 400), (256, 256), (400, 400)),
        ((10, 10, 2000, 2000), (256, 256), (480, 480)),
        ((0, 0, 300, 300), (256, 256), None),
        ((0, 0, 1664, 960), (832, 480), None),
    ],
)
def test_a_view_has_the_videos_pixels_up_to_a_limit(window, clip, size):
    assert view_size(window, clip) == size


def test_a_small_clip_has_the_same_frames_in_more_pixels_beside_it(tmp_path):
    video = make_video(tmp_path / "a.mp4", np.arange(80) / 60, size=(320, 128))
    (row,) = cut_video("a", video, tmp_path / "out", Clips(crop="center"), SMALL, lambda _frame: np.ones((1, 33, 4)))
    clip = tmp_path / "out" / f"{row['clip']}.mp4"
    view = view_file(clip)
    assert (inspect(view).width, inspect(view).height) == (320, 128)
    assert codes_of(read_frames(view)) == codes_of(read_frames(clip))
    cut_video("a", video, tmp_path / "out", Clips(crop="center"), SMALL, lambda _frame: np.zeros((0, 33, 4)))
    assert not clip.exists()
    assert not view.exists()
