"""Following a dancer through clips of any length, with a landmarker that is made up."""

import contextlib

import numpy as np
import pytest

from facedance.config.sections import Poses
from facedance.poses import find
from facedance.poses.find import find_pose
from facedance.poses.track import sight
from tests.held import CountedFootage

SIZE = 64, 48


def person(x: float, height: float = 30) -> np.ndarray:
    """Landmarks (33, 4) of somebody around x."""
    landmarks = np.ones((33, 4), np.float32)
    landmarks[:, 0] = x + np.linspace(-3, 3, 33)
    landmarks[:, 1] = 8 + np.linspace(0, 1, 33) * height
    return landmarks


class Landmarker:
    """Sees, in the frames that it is shown one after the other, the people that it is told."""

    def __init__(self, people):
        self._people, self._shown = iter(people), 0

    def detect(self, _frame, _timestamp_ms=0):
        return next(self._people)


def forever(people):
    while True:
        yield people


@pytest.mark.parametrize("count", [17, 401])
def test_frames_are_looked_at_one_by_one(monkeypatch, count):
    someone = np.stack([person(30)])
    monkeypatch.setattr(find, "open_landmarker", lambda *_args, **_kwargs: contextlib.nullcontext(Landmarker(forever(someone))))
    footage = CountedFootage(count, SIZE)
    joints, _ = find_pose(footage, 16, Landmarker(forever(someone)), None, Poses())
    assert joints.shape == (count, 33, 4)
    assert footage.most <= 3
    assert footage.made <= 2.2 * count + 2


def test_a_dancer_who_crosses_the_stage_is_not_taken_for_a_bystander():
    """The dancer goes from left to right in 30 s, and a smaller person stands in the middle, where the dancer usually is."""
    looks = [np.stack([person(x), person(160, height=25)]) for x in np.linspace(10, 310, 61)]
    sightings = sight(CountedFootage(481, SIZE), Landmarker(looks), 8)
    np.testing.assert_allclose(sightings.dancer[:, :, 0].mean(axis=1), np.linspace(10, 310, 61), atol=1e-3)
