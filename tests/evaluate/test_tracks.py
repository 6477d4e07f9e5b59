"""The windows in which each of several dancers is followed."""

from pathlib import Path

import numpy as np
import pytest

from facedance.evaluate import sight
from facedance.evaluate.tracks import BESIDE, followed, windows_around
from tests.evaluate import drawn_dancers
from tests.evaluate.drawn_dancers import GREEN, RED, dancer, picture

ACROSS = np.linspace(40, 280, 33)


def test_windows_of_one_size_go_along_with_a_dancer_and_hold_all_of_them() -> None:
    joints = np.stack([dancer(x) for x in ACROSS])
    windows = windows_around(joints)
    assert len(np.unique(windows[:, 2:] - windows[:, :2], axis=0)) == 1
    tall = np.ptp(joints[0, :, 1])
    beside = np.stack([joints.min(1) - windows[:, :2], windows[:, 2:] - joints.max(1)])
    assert beside.min() >= BESIDE * tall - 1
    assert (np.diff(windows[:, 0]) >= 0).all()
    assert np.abs(np.diff(windows[:, 0], 2)).max() <= 2, "no jerks"


def test_windows_go_on_between_frames_in_which_the_dancer_is_known() -> None:
    joints = np.stack([dancer(x) for x in ACROSS])
    gap = joints.copy()
    gap[10:20] = np.nan
    assert np.abs(windows_around(gap) - windows_around(joints)).max() <= 1


def test_dancers_are_told_in_the_pixels_of_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "open_landmarker", drawn_dancers.open_landmarker)
    joints = np.stack([[dancer(x) for x in way] for way in (ACROSS, ACROSS[::-1], np.full(33, np.nan))])
    frames = np.stack([picture([(a, RED), (b, GREEN)]) for a, b in zip(ACROSS, ACROSS[::-1], strict=True)])
    seen = followed(frames, joints, 16, Path("pose.task"))
    assert np.isnan(seen[2]).all()
    for place, way in enumerate((ACROSS, ACROSS[::-1])):
        apart = np.abs(ACROSS - ACROSS[::-1]) > 20
        assert np.abs(seen[place, apart, 0, 0] - way[apart]).max() < 2
