"""Which source frames make a clip, tested against the frames' own times."""

from fractions import Fraction

import numpy as np
import pytest

from facedance.clips.scenes import split
from facedance.clips.timing import Stretch, fitting_frames, frame_indices, whole, window_starts

RATES = [Fraction(n, d) for n, d in [(60, 1), (60000, 1001), (50, 1), (30, 1), (30000, 1001), (25, 1), (24, 1), (24000, 1001)]]
RATES += [Fraction(120), Fraction(16), Fraction("59.2")]


def steady(rate: Fraction, seconds: float = 20) -> np.ndarray:
    return np.array([float(k / rate) for k in range(int(seconds * rate))])


@pytest.mark.parametrize("start", [0.0, 5.0625, 1.0])
@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{float(rate):.3f}")
def test_each_output_time_shows_the_nearest_frame(rate, start):
    times = steady(rate)
    indices = frame_indices(times, start, 16, 81)
    away = np.abs(times[indices] - (start + np.arange(81) / 16))
    assert away.max() <= float(1 / rate) / 2 + 1e-3
    assert np.all(np.diff(indices) > 0)


def test_rounded_times_choose_the_same_frames():
    """Matroska keeps milliseconds; at 24 fps every other output time lies midway between two frames."""
    times = steady(Fraction(24))
    exact = frame_indices(times, 0, 16, 81)
    assert exact[:7].tolist() == [0, 1, 3, 4, 6, 7, 9]
    assert np.array_equal(frame_indices(np.round(times, 3), 0, 16, 81), exact)
    assert np.array_equal(frame_indices(np.floor(times * 1000) / 1000, 0, 16, 81), exact)


def test_a_wrong_time_gives_no_room_for_a_still_picture():
    """A damaged time, or one that wraps around: three frames stay three frames, however far behind the others they are."""
    times = np.concatenate([np.arange(60) / 30, 4e6 + np.arange(3) / 30])
    first, last = split(times, [60])
    assert (first.room(16), last.room(16)) == (32, 2)
    assert whole(times).end == pytest.approx(4e6 + 2.5 / 30)


def test_the_same_rate_takes_every_frame_once():
    times = np.round(steady(Fraction(16)), 3)
    assert np.array_equal(frame_indices(times, 81 / 16, 16, 81), np.arange(81, 162))


def test_a_rate_slightly_off_does_not_drift():
    """An hour at 59.94 fps taken for 60 would be 3.6 seconds off at its end."""
    times = steady(Fraction(60000, 1001), seconds=3600)
    (index,) = frame_indices(times, 3599.0, 16, 1)
    assert times[index] == pytest.approx(3599.0, abs=1 / 100)


def test_a_variable_rate_is_followed():
    times = np.concatenate([[0], np.cumsum(np.random.default_rng(0).uniform(0.005, 1 / 16, 600))])
    indices = frame_indices(times, 2.5, 16, 81)
    wanted = 2.5 + np.arange(81) / 16
    nearest = np.abs(times[None] - wanted[:, None]).min(axis=1)
    assert np.all(np.abs(times[indices] - wanted) <= nearest + 2e-3)
    assert np.all(np.diff(indices) > 0)


def test_a_slow_video_repeats_frames_evenly():
    indices = frame_indices(steady(Fraction(12)), 0, 16, 81)
    assert set(np.diff(indices).tolist()) == {0, 1}
    assert (np.diff(indices) == 0).sum() == 20  # 81 frames of 5 s, of which there are 61


@pytest.mark.parametrize(
    ("rate", "frames", "expected"),
    [
        (Fraction(60), 510, [0.0, 3.0625]),  # 8.5 s have room for two clips of 49 frames at 16 fps, 3.0625 s each
        (Fraction(16), 49, [0.0]),
        (Fraction(16), 48, []),
        (Fraction(16), 98, [0.0, 3.0625]),
        (Fraction(60), 181, [0.0]),  # the 49th frame is due at 3.0 s, which is when the 181st begins
        (Fraction(60), 180, []),
        (Fraction(60), 1, []),
    ],
)
def test_clips_follow_one_another_while_there_is_room(rate, frames, expected):
    times = np.array([float(k / rate) for k in range(frames)])
    starts = window_starts(whole(times), 16, 49, most=5)
    assert starts == expected
    if starts:
        last = frame_indices(times, starts[-1], 16, 49)[-1]
        assert abs(times[last] - (starts[-1] + 3)) <= float(1 / rate) / 2 + 1e-3


def test_there_are_at_most_as_many_clips_as_wanted():
    assert window_starts(whole(steady(Fraction(30), 60)), 16, 81, most=3) == [0.0, 5.0625, 10.125]


@pytest.mark.parametrize(
    ("frames", "most", "expected"),
    [(81, 81, 81), (66, 81, 65), (80, 81, 77), (17, 81, 17), (16, 81, 0), (7, 9, 5), (200, 81, 81)],
)
def test_a_short_stretch_gives_the_most_frames_that_fit(frames, most, expected):
    stretch = Stretch(3.0, 3.0 + (frames - 1) / 16)
    assert stretch.room(16) == frames
    assert fitting_frames(stretch, 16, most) == (expected if most == 81 else 0)
