"""Scores by second and drifts of made-up renders whose drift is known."""

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facedance.evaluate.agreement import Wanted
from facedance.evaluate.colours import Background, clothes_colour, hue, hue_shift
from facedance.evaluate.drift import drift
from facedance.evaluate.observe import Observation
from facedance.evaluate.seams import read_seams
from facedance.evaluate.seconds import Second, by_second, spans
from facedance.files import write_json
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE, MEDIAPIPE

FPS, SECONDS = 8, 4
FRAMES = FPS * SECONDS + 1
TARGET = np.float32([1, 0, 0])


def dancer(x: float) -> NDArray[np.float32]:
    """Landmarks (33, 4) of somebody 100 px high with a torso of 20 x 40 px around x."""
    person = np.tile(np.float32([x, 20, 0, 1]), (33, 1))
    for side, sign in (("left", 1), ("right", -1)):
        person[MEDIAPIPE.index(f"{side}_shoulder"), :2] = x + 10 * sign, 40
        person[MEDIAPIPE.index(f"{side}_hip"), :2] = x + 10 * sign, 80
        person[MEDIAPIPE.index(f"{side}_ankle"), :2] = x + 10 * sign, 120
    return person


def render(
    background: NDArray[np.floating], hues: NDArray[np.floating] | None = None
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    """Frames (128, 240, 3) of a dancer who walks to and fro before a patterned wall, and the landmarks.

    The wall is brighter by `background` (T,) grey levels, the clothes have `hues` (T,) in degrees.
    """
    wall = np.random.default_rng(0).integers(40, 160, (32, 60, 3)).repeat(4, 0).repeat(4, 1)
    wall[:, 120:] //= 2  # so that the wall's mean depends on where the dancer stands
    frames, people = [], []
    for t, brighter in enumerate(background):
        x = 120 + round(60 * np.sin(t))
        frame = (wall + brighter).astype(np.uint8)
        frame[15:125, x - 14 : x + 15] = 255
        colour = colorsys.hsv_to_rgb((hues[t] if hues is not None else 0) / 360 % 1, 0.6, 0.8)
        frame[40:81, x - 10 : x + 11] = np.round(255 * np.array(colour))
        frames.append(frame)
        people.append(dancer(x))
    return frames, people


def seen(frames: int = FRAMES, **fields: Any) -> Observation:
    """An observation in which nothing ever changes, but for `fields`."""
    return Observation(
        **{
            "scored": np.arange(0, frames, 2),
            "faces": np.tile(TARGET, (len(range(0, frames, 2)), 1)),
            "shapes": np.full((len(range(0, frames, 2)), 68, 2), np.nan),
            "people": np.stack([dancer(60)] * frames),
            "flicker": np.zeros(1),
            "changes": np.array([np.nan, *[2.0] * (frames - 1)]),
            "background": np.full((frames, 3), 100.0),
            "clothes": np.tile([200.0, 50.0, 50.0], (frames, 1)),
            **fields,
        }
    )


def seconds_of(what: Observation) -> list[Second]:
    driving = np.concatenate([what.people[:, COCO_IN_MEDIAPIPE, :2], np.ones((len(what.people), 17, 1), np.float32)], axis=2)
    driving = np.where(np.isnan(driving), 0, driving)
    return by_second(what, Wanted(np.tile(TARGET, (len(what.scored), 1)), np.zeros((0, 3), np.float32), 0.6, driving), FPS)


def drifts(what: Observation, seams: tuple[int, ...] = ()) -> dict[str, float | None]:
    return drift(what, seconds_of(what), seams, FPS)


def background_of(frames: list[NDArray[np.uint8]], people: list[NDArray[np.float32]], first: int = FPS) -> NDArray[np.float64]:
    background = Background(first)
    for frame, person in zip(frames, people, strict=True):
        background.add(frame, person)
    return background.colours()


# ---- Background -----------------------------------------------------------------------------------------------------------


def test_background_that_changes_by_five_grey_levels() -> None:
    brighter = np.zeros(FRAMES)
    brighter[FRAMES // 2 :] = 5
    what = seen(background=background_of(*render(brighter)))
    np.testing.assert_allclose(what.background - what.background[0], np.tile(brighter[:, None], 3), atol=1e-9)
    assert drifts(what)["background_drift"] == pytest.approx(brighter.std())
    assert [second.background_shift for second in seconds_of(what)] == pytest.approx([0, 0, 5, 5])


def test_background_that_a_dancer_uncovers_is_no_drift() -> None:
    assert background_of(*render(np.zeros(FRAMES))).std(axis=0).max() < 1e-9


def test_of_a_channel_that_drifts_alone_the_drift_is_told() -> None:
    colours = np.full((FRAMES, 3), 100.0)
    colours[-FPS:, 2] -= 8
    assert drifts(seen(background=colours))["background_drift"] == pytest.approx(colours[:, 2].std())


def test_frames_in_which_nobody_is_seen_do_not_count() -> None:
    frames, people = render(np.zeros(FRAMES))
    for t in (0, 3, FRAMES - 1):
        people[t] = np.full((33, 4), np.nan, np.float32)
        frames[t][:] = 255
    colours = background_of(frames, people)
    assert np.flatnonzero(np.isnan(colours).any(axis=1)).tolist() == [0, 3, FRAMES - 1]
    assert drifts(seen(background=colours))["background_drift"] == pytest.approx(0, abs=1e-9)


def test_without_a_dancer_there_is_no_background() -> None:
    frames, people = render(np.zeros(FRAMES))
    colours = background_of(frames, [np.full_like(person, np.nan) for person in people])
    assert np.isnan(colours).all()
    assert drifts(seen(background=colours))["background_drift"] is None


def test_background_is_what_none_of_several_dancers_covers() -> None:
    frames, people = render(np.zeros(FRAMES))
    background = Background(FPS)
    for t, (frame, person) in enumerate(zip(frames, people, strict=True)):
        frame[20:121, 215:226] = 20 * t % 250  # another one, whose clothes change
        others = [dancer(220)] if t else [np.full((33, 4), np.nan, np.float32)]
        background.add(frame, person, *others)
    colours = background.colours()
    assert np.isnan(colours[0]).all(), "one of them is not seen"
    assert colours[1:].std(axis=0).max() < 1e-9


def test_a_render_shorter_than_a_second_has_a_background_too() -> None:
    assert np.isfinite(background_of(*render(np.zeros(5)))).all()


# ---- Clothes --------------------------------------------------------------------------------------------------------------


def test_hue_that_turns_by_twenty_degrees() -> None:
    hues = np.repeat([350, 355, 362, 370], [FPS, FPS, FPS, FPS + 1])  # through 0
    clothes = np.stack([clothes_colour(frame, person) for frame, person in zip(*render(np.zeros(FRAMES), hues), strict=True)])
    what = seen(clothes=clothes)
    assert drifts(what)["clothes_hue_drift"] == pytest.approx(20, abs=0.5)
    shifts = [second.clothes_hue_shift for second in seconds_of(what)]
    assert shifts == pytest.approx([0, 5, 12, 20], abs=0.5)


def test_hue_that_comes_back_has_drifted_all_the_same() -> None:
    clothes = np.tile([200.0, 50.0, 50.0], (FRAMES, 1))
    clothes[FPS : 2 * FPS] = [200, 50, 100]
    assert drifts(seen(clothes=clothes))["clothes_hue_drift"] == pytest.approx(20)


def test_grey_clothes_have_no_hue() -> None:
    clothes = np.random.default_rng(0).normal(128, 2, (FRAMES, 3))
    assert drifts(seen(clothes=clothes))["clothes_hue_drift"] is None
    assert np.isnan(hue(np.float64([100, 105, 111])))
    assert hue(np.float64([100, 100, 112])) == pytest.approx(240)


def test_torso_that_is_not_seen_or_a_line_has_no_colour() -> None:
    frame = np.full((128, 128, 3), 200, np.uint8)
    assert np.isnan(clothes_colour(frame, np.full((33, 4), np.nan, np.float32))).all()
    assert np.isnan(clothes_colour(frame, dancer(60) * np.float32([0.01, 0.01, 1, 1]))).all()
    assert clothes_colour(frame, dancer(60)).tolist() == [200, 200, 200]


@pytest.mark.parametrize(("one", "other", "apart"), [(10, 350, 20), (350, 10, 20), (0, 180, 180), (90, 90, 0)])
def test_hues_are_on_a_circle(one: float, other: float, apart: float) -> None:
    assert hue_shift(one, other) == apart


# ---- Seams, faces, seconds --------------------------------------------------------------------------------------------------


def test_jump_at_a_seam() -> None:
    changes = np.array([np.nan, *[2.0] * (FRAMES - 1)])
    changes[[5, 20]] = 9  # one jump of the dancer, one at a seam
    changes[10] = 3
    what = seen(changes=changes)
    assert drifts(what, (20,))["seam_change"] == pytest.approx(4.5)
    assert drifts(what, (10, 20))["seam_change"] == pytest.approx(3)
    assert drifts(what)["seam_change"] is None
    assert [second.change for second in seconds_of(what)] == [9, 3, 9, 2]


def test_seam_in_a_picture_that_stands_still_has_no_score() -> None:
    assert drifts(seen(changes=np.zeros(FRAMES)), (8,))["seam_change"] is None


def test_face_that_goes_away_from_the_person() -> None:
    what = seen()
    what.faces[what.scored >= 3 * FPS] += np.float32([0.4, 0, 0])
    what.faces[0] = np.nan
    assert drifts(what)["identity_drift"] == pytest.approx(0.4)
    seconds = seconds_of(what)
    assert [second.face_detected_rate for second in seconds] == [0.75, 1, 1, 1]
    assert [second.recognised_rate for second in seconds] == [0.75, 1, 1, 1]
    what.faces[:4] = np.nan
    assert drifts(what)["identity_drift"] is None


def test_pose_is_scored_by_second() -> None:
    what = seen()
    what.people[FPS : 2 * FPS] = np.nan
    assert [second.pose_pck for second in seconds_of(what)] == [1, 0, 1, 1]


def test_second_without_a_frame_that_was_searched_for_a_face() -> None:
    what = seen(scored=np.array([0, 12]), faces=np.stack([TARGET, TARGET]))
    assert [second.identity_distance for second in seconds_of(what)] == [0, 0, None, None]


@pytest.mark.parametrize(("frames", "last"), [(1, 1), (9, 9), (11, 11), (13, 5), (32, 8), (33, 9)])
def test_last_second_has_what_is_left(frames: int, last: int) -> None:
    parts = spans(frames, FPS)
    assert parts[0][0] == 0
    assert parts[-1] == (frames - last, frames)
    assert all(stop - start == FPS for start, stop in parts[:-1])


def test_short_render_has_no_drift_but_a_seam() -> None:
    short = drifts(seen(2 * FPS - 1), (4,))
    assert short == {"background_drift": None, "clothes_hue_drift": None, "seam_change": 1, "identity_drift": None}


def test_seams_stand_beside_the_render(tmp_path: Path) -> None:
    write_json(tmp_path / "long.json", {"seams": [17, 29]})
    write_json(tmp_path / "old.json", {})
    assert read_seams(tmp_path / "long.json") == [17, 29]
    assert read_seams(tmp_path / "old.json") == read_seams(tmp_path / "gone.json") == []
