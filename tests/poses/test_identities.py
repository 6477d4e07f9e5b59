"""Who is who, on made-up tracks: people of one pose, in clothes of one colour each, of whom a landmarker sees what it is told."""

import numpy as np
import pytest

from facedance.poses.assign import Seen, tracklets
from facedance.poses.identities import who_is_who

TALL = 100.0
RED, BLUE, GREEN = ((50.0, 60, 40), (30.0, 20, -60), (60.0, -50, 40))


def person(x, y=50.0):
    """Landmarks (33, 4) of somebody upright whose trunk's middle is near (x, y)."""
    body = np.ones((33, 4), np.float32)
    body[:, 0] = x + np.where(np.arange(33) % 2, 8, -8)
    body[:, 1] = y - 40 + np.linspace(0, TALL, 33)
    body[0, :2] = x, y - 40
    body[[11, 12], 1], body[[23, 24], 1] = y - 15, y + 15
    return body


def seen(*people):
    """A frame in which these (x, colour) are seen."""
    bodies = np.stack([person(x) for x, _ in people]) if people else np.zeros((0, 33, 4), np.float32)
    looks = np.array([[colour] * 5 for _, colour in people], np.float32).reshape(-1, 5, 3)
    return Seen(bodies, np.full_like(bodies, np.nan), looks)


def places(who, clip):
    """Where each dancer is (P, T), NaN where they are not seen."""
    found = np.full(who.which.shape, np.nan)
    for i, t in zip(*np.nonzero(who.which >= 0), strict=True):
        found[i, t] = clip[t].people[who.which[i, t], [11, 12], 0].mean()
    return found


def crossing(colours, frames=40, hidden=6.0, back=False):
    """Two who walk towards each other; where they are nearer than `hidden` the first is seen alone. And where they are (2, T)."""
    there = np.linspace(0, 200, frames)
    if back:
        there = 97 - np.abs(97 - there)
    ways = np.stack([there, 200 - there])
    rng = np.random.default_rng(0)
    clip = []
    for a, b in ways.T:
        both = [(a, colours[0]), (b, colours[1])]
        shown = both if abs(a - b) > hidden else both[:1]
        clip.append(seen(*[shown[k] for k in rng.permutation(len(shown))]))
    return clip, ways


@pytest.mark.parametrize("back", [False, True], ids=["cross", "turn back"])
def test_those_who_meet_keep_their_numbers(back):
    clip, ways = crossing((RED, BLUE), back=back)
    who = who_is_who(clip)
    found = places(who, clip)
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], ways[known], atol=1e-3)
    assert known.mean() > 0.9
    assert who.surety == 1


def test_those_who_are_dressed_alike_go_on_as_they_went():
    clip, ways = crossing((RED, RED))
    who = who_is_who(clip)
    found = places(who, clip)
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], ways[known], atol=1e-3)


@pytest.mark.parametrize(("colours", "surety"), [((RED, BLUE), 1.0), ((RED, RED), 0.7)])
def test_who_comes_out_where_two_have_stood_before_each_other_is_as_sure_as_their_clothes(colours, surety):
    clip = [seen((100 - 4 * t, colours[0]), (100 + 4 * t, colours[1])) for t in range(16, 1, -1)]
    clip += [seen((100, colours[1]))] * 12
    clip += [seen((100 + 4 * t, colours[0]), (100 - 4 * t, colours[1])) for t in range(2, 17)]
    assert who_is_who(clip).surety <= surety


def test_numbers_go_from_left_to_right_and_then_by_coming():
    clip = [seen((150, RED), (20, BLUE))] * 10 + [seen((20, BLUE), (85, GREEN), (150, RED))] * 10
    found = places(who_is_who(clip), clip)
    np.testing.assert_allclose(np.nanmean(found, axis=1), [20, 150, 85])
    assert np.isnan(found[2, :10]).all()


def test_somebody_who_leaves_and_comes_back_is_the_same():
    away = [seen((20, BLUE), (150 + 10 * t, RED)) for t in range(12)]
    clip = [*away, *([seen((20, BLUE))] * 20), *away[::-1]]
    found = places(who_is_who(clip), clip)
    assert found.shape == (2, 44)
    assert np.isnan(found[1]).sum() == 20


def test_whom_one_passes_often_is_not_mixed_up():
    """Three, two of whom exchange their places four times."""
    ways = np.stack([100 + 80 * np.cos(np.arange(120) / 10), 100 - 80 * np.cos(np.arange(120) / 10), np.full(120, 300.0)])
    clip = []
    for a, b, c in ways.T:
        near = [(a, GREEN)] if abs(a - b) < 8 else [(b, RED), (a, GREEN)]
        clip.append(seen((c, BLUE), *near))
    found = places(who_is_who(clip), clip)
    expected = ways[[1, 0, 2]]
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], expected[known], atol=1e-3)
    assert known.mean() > 0.9


def test_a_passing_shadow_and_a_small_bystander_are_no_dancers():
    clip = [seen((20, BLUE), (150, RED), *([(260, GREEN)] if 10 <= t < 13 else [])) for t in range(40)]
    small = person(90)
    small[:, :2] = [90, 50] + (small[:, :2] - [90, 50]) * 0.3
    clip = [
        Seen(
            np.concatenate([one.people, small[None]]),
            np.concatenate([one.mirror, small[None]]),
            np.concatenate([one.looks, one.looks[:1]]),
        )
        for one in clip
    ]
    assert who_is_who(clip).which.shape == (2, 40)


def test_two_who_are_taken_for_one_giant_for_a_moment_are_no_further_dancer():
    """And do not make a child small enough to be left out."""
    clip = [seen((20, BLUE), (150, RED)) for _ in range(40)]
    giant, child = person(85), person(240)
    giant[:, :2] = [85, 60] + (giant[:, :2] - [85, 60]) * 2
    child[:, :2] = [240, 60] + (child[:, :2] - [240, 60]) * 0.7
    for t, one in enumerate(clip):
        more = np.stack([child, giant] if 3 <= t < 13 else [child])
        looks = np.full((len(more), *one.looks.shape[1:]), GREEN, np.float32)
        clip[t] = Seen(np.concatenate([one.people, more]), np.concatenate([one.mirror, more]), np.concatenate([one.looks, looks]))
    who = who_is_who(clip)
    np.testing.assert_allclose(places(who, clip)[:, 5], [20, 150, 240], atol=1)


def test_nobody_is_nobody():
    assert who_is_who([seen()] * 5).which.shape == (0, 5)
    assert tracklets([]) == []


def test_everybody_seen_is_in_one_tracklet():
    clip, _ = crossing((RED, RED), hidden=12.0)
    found = [(t, k) for one in tracklets(clip) for t, k in zip(one.frames, one.which, strict=True)]
    assert sorted(found) == [(t, k) for t, frame in enumerate(clip) for k in range(len(frame.people))]
