"""Long clips: which windows they are made in, and what the later ones go on from."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from facedance.render.going_on import faded, held_colors
from facedance.render.windows import WindowFiles, one_by_one, seams, windows_of


@pytest.mark.parametrize(
    ("length", "overlap", "starts", "new"),
    [
        (17, 5, [0], []),
        (9, 5, [0], []),
        (21, 5, [0, 4], [17]),  # the second is given 13
        (29, 5, [0, 12], [17]),
        (33, 5, [0, 12, 16], [17, 29]),
        (33, 13, [0, 4, 8, 12, 16], [17, 21, 25, 29]),
        (34, 0, [0, 17], [17]),
        (40, 0, [0, 17, 23], [17, 34]),
    ],
)
def test_windows(length: int, overlap: int, starts: list[int], new: list[int]) -> None:
    windows = windows_of(length, 17, overlap, fade=0)
    assert [window.start for window in windows] == starts
    assert seams(windows) == new
    assert windows[-1].end == length
    assert all(window.frames == min(length, 17) for window in windows)


def test_windows_of_any_length_are_whole_and_make_each_frame_once() -> None:
    for length in range(5, 400, 4):
        for overlap in (1, 5, 9, 13):
            for fade in (0, 4, 80):
                windows = windows_of(length, 81, overlap, fade)
                made = [frame for window in windows for frame in range(window.first_made + window.faded, window.end)]
                assert made == list(range(length))
                assert all(window.given % 4 == 1 for window in windows[1:])
                assert all(window.start + window.given + window.faded == before.end for before, window in pairwise(windows))


def test_colors_are_held_and_contrast_is_bound() -> None:
    rng = np.random.default_rng(0)
    given = rng.integers(40, 200, (5, 16, 16, 3), dtype=np.uint8)
    more = rng.integers(40, 200, (12, 16, 16, 3), dtype=np.uint8)
    drifted = np.concatenate([given, more]).astype(float) * [0.95, 1.0, 1.05] + [4, 0, -6]
    held = held_colors(drifted.round().clip(0, 255).astype(np.uint8), given)
    assert np.abs(held[5:].astype(float) - more).mean() < 0.6
    grey = np.full((17, 8, 8, 3), 100, np.uint8)
    assert (held_colors(grey, grey[:5] + np.uint8(7)) == 107).all()
    flat = rng.normal(128, 8, (5, 8, 8, 3)).clip(0, 255).astype(np.uint8)
    assert held_colors(flat, given[:, :8, :8]).std() < 1.2 * flat.std()


def test_a_window_fades_into_the_next() -> None:
    made = np.zeros((7, 2, 2, 3), np.uint8)
    assert faded(np.full((5, 2, 2, 3), 60, np.uint8), made)[:, 0, 0, 0].tolist() == [50, 40, 30, 20, 10, 0, 0]
    assert (faded(made[:0], made) == made).all()


def test_windows_are_kept_for_what_they_were_made_from(tmp_path) -> None:
    windows = windows_of(13, 9, 5, 0)
    frames = [np.full((9, 2, 2, 3), level, np.uint8) for level in (1, 2)]
    old = WindowFiles(tmp_path / "render", "old")
    old.save(0, frames[0])
    files = WindowFiles(tmp_path / "render", "new")
    assert files.load(0) is None
    for number, window in enumerate(frames):
        files.save(number, window)
    assert old.load(0) is None
    assert [int(frame[0, 0, 0]) for frame in one_by_one(windows, partial(files.part, windows))] == [1] * 4 + [2] * 9
    assert files.part(windows, range(2, 7))[:, 0, 0, 0].tolist() == [1, 1, 2, 2, 2]
    files.clear()
    assert not (tmp_path / "render").exists()
