"""Long clips: which windows they are made in, and what the later ones go on from."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.render.going_on import faded, held_colors, make_windows
from facedance.render.windows import Window, WindowFiles, one_by_one, seams, windows_of
from facedance.video.pictures import Frames
from facedance.wan.pipeline import ControlLatents


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


class Means:
    """An encoder of which a latent is a picture's mean."""

    def reference(self, picture: Frames) -> Tensor:
        return torch.full((1, 1, 1, 1), float(picture.mean()))


def test_the_first_frame_goes_along_with_all_windows_and_is_made_again_after_a_kill(tmp_path) -> None:
    windows, first = windows_of(33, 17, 5, 4), torch.arange(5.0).reshape(1, 5, 1, 1)
    asked: list[tuple[ControlLatents, Window]] = []

    def make(control: ControlLatents, window: Window) -> Frames:
        asked.append((control, window))
        return np.full((window.frames, 2, 2, 3), 40 + len(control.references), np.uint8)

    def going_on(anchor: bool, files: WindowFiles) -> None:
        settings = RenderSettings(anchor=anchor)
        make_windows(windows, files, lambda window, given: first, (torch.zeros(1, 1, 1, 1),), Means(), settings, make)  # type: ignore[arg-type]

    files = WindowFiles(tmp_path / "render", "key")
    going_on(True, files)
    (picture, alone), *others = asked
    assert (alone, picture.control.shape[1], len(picture.references)) == (Window(0, 1, 0), 1, 1)
    assert [window for _, window in others] == windows
    assert [control.references[1].item() for control, _ in others] == [41.0] * len(windows)

    (tmp_path / "render" / "key" / f"{len(windows) - 1:04d}.safetensors").unlink()
    asked.clear()
    going_on(True, files)
    assert [window for _, window in asked] == [Window(0, 1, 0), windows[-1]]
    asked.clear()
    going_on(True, files)
    assert asked == []
    going_on(False, WindowFiles(tmp_path / "other", "key"))
    assert [(window, len(control.references)) for control, window in asked] == [(window, 1) for window in windows]
