"""A clip's pictures are those of its video at the clip's times."""

import numpy as np
import pytest

from facedance.clips.original import Original
from facedance.clips.timing import frame_indices
from facedance.video.frames import read_frames, stream_frames
from facedance.video.times import inspect
from facedance.video.writing import write_video

ROW = {"start_s": "0.25", "fps": "8", "frames": "5", "width": "48", "height": "32"}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Thirty frames of a second, each of another grey, lighter to the right."""
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    slope = np.linspace(0, 60, 160)[None, None, :, None]
    write_video(path, np.rint(np.arange(30)[:, None, None, None] * 5 + slope + np.zeros((1, 96, 1, 3))).astype(np.uint8), 30)
    return path


def original(clip, video, window, **row):
    return Original.of(
        clip, video, ROW | row | dict(zip(("crop_x", "crop_y", "crop_w", "crop_h"), map(str, window), strict=True))
    )


@pytest.mark.parametrize("start", ["0.0", "0.25", "0.4999"])  # where some times lie in the middle between two frames
def test_pictures_are_those_of_the_video_at_the_clips_times(video, tmp_path, start):
    one = original(tmp_path / "none.mp4", video, (40, 16, 96, 64), start_s=start)
    assert one.picture_size == (96, 64)
    shown = frame_indices(inspect(video).timestamps, float(start), 8, 5)
    wanted = [frame[16:80, 40:136] for frame in stream_frames(video, shown[[0, 2, 4]].tolist())]
    np.testing.assert_array_equal(list(one.pictures([0, 2, 4])), wanted)


def test_what_lies_beyond_the_picture_is_black_as_in_the_clip(video, tmp_path):
    (picture,) = original(tmp_path / "none.mp4", video, (-20, 0, 144, 96)).pictures([4])
    assert picture.shape == (96, 144, 3)
    assert not picture[:, :20].any()
    assert picture[:, 21:].all()


def test_a_clip_with_all_that_its_video_has_is_read_itself(video, tmp_path):
    clip = tmp_path / "clip.mp4"
    write_video(clip, np.full((5, 64, 96, 3), 200, np.uint8), 8)
    one = original(clip, tmp_path / "none.mp4", (10, 10, 48, 32), width="96", height="64")
    assert one.picture_size == (96, 64)
    np.testing.assert_array_equal(list(one.pictures([1, 3])), read_frames(clip, [1, 3]))


def test_large_videos_are_looked_at_with_1080_lines(video, tmp_path):
    assert original(video, video, (0, 0, 3840, 2160)).picture_size == (1920, 1080)
    assert original(video, video, (0, 0, 1216, 2160)).picture_size == (1080, 1918)
