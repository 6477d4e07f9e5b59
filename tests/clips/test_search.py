"""The first usable part of a video, from made-up people: no picture is looked at here."""

import numpy as np
import pytest

from facedance.clips.search import Search, find_clips
from facedance.clips.timing import Stretch, whole
from tests.clips.test_cut import WAN, standing

TIMES = np.arange(600) / 60  # 10 s


class Stage:
    """Who is on a stage at which time; counts the frames that are looked at."""

    def __init__(self, *dancers: tuple[float, float]) -> None:
        self.dancers = dancers
        self.looked: set[int] = set()

    def look(self, indices):
        self.looked |= set(indices)
        here = {i: [s for s, e in self.dancers if s <= TIMES[i] < e] for i in indices}
        return {
            i: np.stack([standing(40 * k, 10, 40) for k in range(len(on))]) if on else np.zeros((0, 33, 4))
            for i, on in here.items()
        }


def found(stage, *, frames=33, most=1, scenes=None, complete=True):
    wan = WAN.model_copy(update={"frames": frames})
    return find_clips(Search(scenes or [whole(TIMES)], TIMES, wan, most, stage.look), complete)


def spans(candidates):
    return [(one.start, len(one.indices), one.reason) for one in candidates]


def test_a_plain_video_is_cut_from_its_beginning_after_ten_looks():
    stage = Stage((0, 10))
    candidates, enough = found(stage, most=2)
    assert spans(candidates) == [(0.0, 33, ""), (33 / 16, 33, "")]
    assert enough
    assert len(stage.looked) == 20


@pytest.mark.parametrize(
    ("dancers", "start", "frames"),
    [
        ([(2.1, 10)], 2.25, 33),  # who comes late
        ([(0, 1.2), (3.0, 10)], 3.0, 33),  # who leaves at once and comes back
        ([(0, 10), (0, 4.1)], 4.25, 33),  # with somebody who leaves
        ([(4.0, 5.6)], 4.0, 25),  # no whole clip: the most that fits, 1.5 s at 16 fps
        ([(0, 1.3), (3, 4.9)], 3.0, 29),  # the longest of two
    ],
)
def test_the_first_stretch_with_one_dancer_is_taken(dancers, start, frames):
    candidates, _ = found(Stage(*dancers))
    used = [one for one in candidates if not one.reason]
    assert spans(used) == [(start, frames, "")]
    assert used[0].indices[0] == round(start * 60)


def test_a_dancer_who_is_overlooked_now_and_then_stays():
    stage = Stage((0, 2.9), (3.3, 10))
    assert spans(found(stage, frames=81)[0]) == [(0.0, 81, "")]


def test_scenes_are_not_joined():
    card, dance = Stretch(0, 2.5), Stretch(2.5, 10)
    assert spans(found(Stage((2.5, 10)), scenes=[card, dance])[0])[-1] == (2.5, 33, "")
    assert spans(found(Stage((0, 10)), frames=49, scenes=[Stretch(0, 2), Stretch(2.0, 9)])[0]) == [(2.0, 49, "")]
    assert spans(found(Stage((0, 10)), frames=81, scenes=[Stretch(0, 2), Stretch(2.0, 4.6)])[0]) == [(2.0, 41, "")]


def test_what_cannot_be_used_is_told_once():
    nobody, several = "shows nobody in 10 sampled frames", "shows several people of similar size in 10 of 10 sampled frames"
    assert spans(found(Stage(), most=2)[0]) == [(0.0, 33, nobody), (33 / 16, 33, nobody)]
    assert spans(found(Stage((0, 10), (0, 10)))[0]) == [(0.0, 33, several)]
    assert spans(found(Stage((0, 2.6)), most=3)[0]) == [(0.0, 33, ""), (66 / 16, 33, nobody)]


def test_a_beginning_without_a_dancer_asks_for_more():
    assert found(Stage(), complete=False)[1] is False
    assert found(Stage((0, 10)), complete=False)[1] is True
    assert found(Stage((0, 10)), scenes=[Stretch(0, 0.5)]) == ([], True)
