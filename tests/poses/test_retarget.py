"""A dancer's skeleton with another body's proportions: drawn bodies, of which all is known."""

import numpy as np
import pytest

from facedance.poses.proportions import BONES, Proportions, factors, full_lengths, load_proportions, mixed, save_proportions
from facedance.poses.retarget import in_view, retargeted
from facedance.poses.skeleton import COCO
from facedance.sample.dancer import Camera
from facedance.sample.motion import VOCABULARY, Body, arrange, perform

FRAMES, SIZE = 33, (256, 256)
LONG = Body(head=0.34, torso=0.22, leg=0.36, arm=0.33, shoulders=0.12, hips=0.07)
SHORT = Body(head=0.44, torso=0.25, leg=0.23, arm=0.24, shoulders=0.1, hips=0.06)


def danced(body: Body, seed: int = 0, zoom: float = 0.9) -> np.ndarray:
    """COCO's joints (T, 17, 4) of a dance, the same for all bodies."""
    moves = tuple(move for moves in VOCABULARY.values() for move in moves)
    skeleton = perform(arrange(moves, 8, np.random.default_rng(seed)), np.arange(FRAMES) * 0.11, body)
    middle = skeleton.joints["neck"] + [0, body.neck + body.head / 2, 0]
    face = [middle + np.array([x, y, 0]) * body.head for x, y in ((0, -0.1), (0.1, 0), (-0.1, 0), (0.25, 0), (-0.25, 0))]
    points = np.stack([*face, *(skeleton.joints[name] for name in COCO[5:])], axis=1)
    joints = np.full((FRAMES, len(COCO), 4), np.nan, np.float32)
    joints[..., :2], joints[..., 3] = Camera(*SIZE, zoom=zoom).project(points), 1
    return joints


def at(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[:, COCO.index(name), :2]


@pytest.mark.parametrize(("dancer", "person"), [(SHORT, LONG), (LONG, SHORT)])
def test_bones_are_the_persons_and_the_dance_is_the_dancers(dancer: Body, person: Body) -> None:
    own, known = danced(dancer), full_lengths(danced(person, seed=1, zoom=0.5), COCO)
    new = retargeted(own, COCO, factors(full_lengths(own, COCO), known))
    lengths, wanted = (np.array([of[name] for name in BONES]) for of in (full_lengths(new, COCO), known))
    assert lengths / lengths.sum() == pytest.approx(wanted / wanted.sum(), rel=0.03)
    truth = danced(person)
    torso = np.linalg.norm(at(truth, "left_shoulder") - at(truth, "left_hip"), axis=-1)
    assert (np.linalg.norm((new - truth)[..., :2], axis=-1) / torso[:, None] < 0.2).mean() > 0.9
    assert np.array_equal(new[..., 2:], own[..., 2:], equal_nan=True)
    for upper, lower in (("left_hip", "left_knee"), ("right_elbow", "right_wrist")):
        before, after = (at(of, lower) - at(of, upper) for of in (own, new))
        across = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        assert across == pytest.approx(np.zeros(FRAMES), abs=0.01 * float(np.abs(before).max()) ** 2)


def test_the_standing_foot_stays_where_it_was_and_moves_no_more_than_before() -> None:
    own = danced(SHORT)
    new = retargeted(own, COCO, factors(full_lengths(own, COCO), full_lengths(danced(LONG), COCO)))
    ankles = [COCO.index(f"{side}_ankle") for side in ("left", "right")]
    lowest = (joints[:, ankles, 1].max(axis=1) for joints in (own, new))
    assert np.abs(np.subtract(*lowest)).max() < 3.0  # of some 200 pixels
    jerk = [np.abs(np.diff(joints[..., :2], n=2, axis=0)).max() for joints in (own, new)]
    assert jerk[1] < 2 * jerk[0]


def test_a_bone_is_as_long_as_in_the_longest_quarter_of_the_frames() -> None:
    own = np.repeat(danced(SHORT)[:1], 8, axis=0)
    wrist, elbow = COCO.index("left_wrist"), COCO.index("left_elbow")
    own[:, [COCO.index("right_elbow"), COCO.index("right_wrist")]] = np.nan
    own[:, wrist, :2] = own[:, elbow, :2] + np.array([[length, 0] for length in (1, 2, 3, 4, 5, 5, 5, 90)], np.float32)
    assert full_lengths(own, COCO)["forearm"] == pytest.approx(5.0)
    own[:7, wrist, :2] = own[:7, elbow, :2]
    assert "forearm" not in full_lengths(own, COCO)


def test_nothing_changes_without_a_measure_or_with_the_own_lengths() -> None:
    own = danced(SHORT)
    lengths = full_lengths(own, COCO)
    assert factors(lengths, {"head": 1.0, "neck": 2.0}) == dict.fromkeys(BONES, 1.0)
    same = factors(lengths, {name: 3 * length for name, length in lengths.items()})
    assert same == pytest.approx(dict.fromkeys(BONES, 1.0))
    assert retargeted(own, COCO, same)[..., :2] == pytest.approx(own[..., :2], abs=1e-3)


def test_what_is_not_known_of_the_person_stays_the_dancers() -> None:
    lengths = full_lengths(danced(SHORT), COCO)
    face = factors(lengths, {"head": 0.5 * lengths["head"], "neck": lengths["neck"], "shoulders": lengths["shoulders"]})
    assert face == pytest.approx({**dict.fromkeys(BONES, 1.0), "head": 0.5})
    half = factors(lengths, {"head": 2.0, "torso": 1.0, "upper_arm": 0.6 * lengths["upper_arm"] / lengths["torso"]})
    assert (half["torso"], half["upper_arm"], half["thigh"]) == pytest.approx((1.0, 0.6, 1.0))
    assert half["head"] == 2.0  # no more than twice as long
    assert mixed({"a": (face, 1.0), "b": (dict.fromkeys(BONES, 2.0), 1.0)})["head"] == pytest.approx(1.0)


def test_joints_that_are_not_seen_stay_unseen_and_hide_nothing_else() -> None:
    own = danced(SHORT)
    known = factors(full_lengths(own, COCO), full_lengths(danced(LONG), COCO))
    whole = retargeted(own, COCO, known)
    own[4:7, COCO.index("left_elbow")] = np.nan
    own[9] = np.nan
    own[:, COCO.index("right_wrist")] = np.nan
    new = retargeted(own, COCO, known)
    assert np.array_equal(np.isnan(new), np.isnan(own))
    seen = np.isfinite(new[..., 0])
    assert np.abs(new - whole)[seen][:, :2].max() < 8
    nobody = np.full_like(own, np.nan)
    assert np.array_equal(retargeted(nobody, COCO, known), nobody, equal_nan=True)


def test_who_would_leave_the_picture_becomes_smaller() -> None:
    own, larger = danced(SHORT), dict.fromkeys(BONES, 1.5)
    fitting = in_view(own, COCO, larger, SIZE)
    assert 1.2 < fitting["head"] < 1.3
    assert retargeted(own, COCO, fitting)[..., 1].min() > 35  # room for the hair
    assert retargeted(own, COCO, larger)[..., 1].min() < 20
    assert in_view(own, COCO, dict.fromkeys(BONES, 1.0), SIZE) == dict.fromkeys(BONES, 1.0)
    assert in_view(own, COCO, dict.fromkeys(BONES, 9.0), SIZE) == dict.fromkeys(BONES, 9.0)


def test_they_are_kept_with_a_sentence(tmp_path) -> None:
    kept = Proportions("half", ("a.jpg", "b.jpg"), {"head": 0.5, "upper_arm": 0.6})
    save_proportions(tmp_path / "proportions.json", "ann", kept)
    assert load_proportions(tmp_path / "proportions.json") == kept
    assert kept.in_words() == "head, upper arm from 2 photos that show half the body; the rest is as in the dancer"
    assert Proportions("nothing", (), {}).in_words() == "no photo shows the shoulders, so all is as in the dancer"
