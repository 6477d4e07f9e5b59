"""What is seen of each of several dancers, for choosing among renders."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facedance.evaluate import sight
from facedance.evaluate.each import look_at_each, mean_of
from facedance.evaluate.further import further_distance
from facedance.evaluate.judge import Shape
from facedance.evaluate.likeness import Judges, Likeness, likeness
from facedance.faces.face import Face, Image
from tests.evaluate import drawn_dancers
from tests.evaluate.drawn_dancers import GREEN, PERSONS, RED, SeesColours, dancer
from tests.evaluate.test_group import FPS, FRAMES, LEFT, RIGHT, drawn

ANN, BEN = PERSONS["ann"].raw, PERSONS["ben"].raw
OUT = np.where(np.arange(FRAMES) < 3, LEFT, -100)  # leaves the picture


@pytest.fixture(autouse=True)
def finder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "open_landmarker", drawn_dancers.open_landmarker)


class Places:
    """A second judge for whom a face is where it is."""

    def shape(self, image: Image, face: Face) -> Shape:
        return np.full((68, 2), face.centre[0], np.float64)


def driving(*places: NDArray[np.float64]) -> NDArray[np.float32]:
    joints = np.stack([[dancer(x) for x in place] for place in places])
    return np.concatenate([joints, np.ones((*joints.shape[:-1], 1), np.float32)], axis=-1)


def said(frames: NDArray[np.uint8], poses: NDArray[np.float32]) -> list[Likeness]:
    judges = Judges(SeesColours(), Places(), Path("pose.task"))  # type: ignore[arg-type]
    return [
        likeness(seen, np.tile(target, (len(seen.scored), 1)), [np.zeros((68, 2))], pose)
        for seen, target, pose in zip(look_at_each(judges, list(frames), poses, FPS), (ANN, BEN), poses, strict=True)
    ]


def test_each_is_judged_in_their_own_place() -> None:
    ann, ben = said(drawn((LEFT, RED), (RIGHT, GREEN)), driving(LEFT, RIGHT))
    for one, x in ((ann, LEFT[0]), (ben, RIGHT[0])):
        assert (one.face_detected_rate, one.pose_pck) == (1, 1)
        assert one.identity_distance == pytest.approx(0, abs=1e-6)
        assert one.landmark_distance == pytest.approx(x * 2**0.5, rel=0.05)
    swapped = said(drawn((LEFT, GREEN), (RIGHT, RED)), driving(LEFT, RIGHT))
    assert [one.identity_distance for one in swapped] == pytest.approx([2**0.5] * 2)


def test_frames_in_which_a_head_is_not_to_be_seen_do_not_count() -> None:
    ann, ben = said(drawn((OUT, RED), (RIGHT, GREEN)), driving(OUT, RIGHT))
    assert (ann.face_detected_rate, ben.face_detected_rate) == (1, 1)
    missing, _ = said(drawn((np.full(FRAMES, -1.0), RED), (RIGHT, GREEN)), driving(LEFT, RIGHT))
    assert (missing.face_detected_rate, missing.identity_distance) == (0, None)


def test_the_mean_is_of_what_is_known() -> None:
    both = mean_of([Likeness(1.0, 0.4, 0.8, 0.05), Likeness(0.5, None, 0.6, None)])
    assert (both.face_detected_rate, both.identity_distance, both.landmark_distance) == (0.75, 0.4, 0.05)
    assert both.pose_pck == pytest.approx(0.7)
    assert mean_of([]) == Likeness(0.0, None, None, None)


def test_a_further_recogniser_compares_with_those_it_knows() -> None:
    frames, poses = list(drawn((LEFT, RED), (RIGHT, GREEN))), driving(LEFT, RIGHT)
    assert further_distance(frames, SeesColours(), [ANN, BEN], poses) == pytest.approx(0, abs=1e-6)
    assert further_distance(frames, SeesColours(), [BEN, BEN], poses) == pytest.approx(2**0.5 / 2)
    assert further_distance(frames, SeesColours(), [None, ANN], poses) == pytest.approx(2**0.5)
    assert further_distance(frames, SeesColours(), [None, None], poses) is None
    alone = list(drawn((LEFT, RED)))
    assert further_distance(alone, SeesColours(), [ANN], None) == pytest.approx(0, abs=1e-6)
