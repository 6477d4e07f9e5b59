"""The skeletons that renders follow, with the proportions of those who are shown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facedance.evaluate.asked import asked_poses, how_built
from facedance.files import write_json
from facedance.poses.proportions import BONES, Proportions, full_lengths, save_proportions
from facedance.poses.skeleton import COCO
from facedance.render.driving import Driving, driving_of, factors_of
from facedance.render.inputs import Cast, Person, RenderInputs
from facedance.render.roles import roles_of
from facedance.video.writing import write_video
from tests.regions.test_shares import BODY
from tests.render.test_cast import write_landmarks
from tests.render.test_clips import PLAIN, RESIDENT, SETTINGS, WAN

CLIP, FRAMES, SIDE = "dance_000", 3, 160
PERSON, PALE = (SETTINGS.model_copy(update=update) for update in ({"proportions": "person"}, {"head_joints": "weak"}))


def dancer(x: float) -> np.ndarray:
    """COCO's joints (T, 17, 4), at a third of the width or so, who stands in the middle of the picture."""
    joints = np.ones((FRAMES, len(COCO), 4), np.float32)
    joints[..., :2] = np.array([BODY[name] for name in COCO]) / 2 + [x, SIDE / 2]
    return joints


@pytest.fixture
def given(tmp_path: Path) -> RenderInputs:
    """Two dancers; ann has longer legs than they, ben no known bones."""
    own = full_lengths(dancer(0), COCO)
    save_proportions(tmp_path / "ann.json", "ann", Proportions("whole", ("a",), {**own, "thigh": 1.2 * own["thigh"]}))
    save_proportions(tmp_path / "ben.json", "ben", Proportions("nothing", (), {}))
    write_video(tmp_path / f"{CLIP}.mp4", [np.zeros((SIDE, SIDE, 3), np.uint8)] * FRAMES, 16)
    write_video(tmp_path / "control-mine.mp4", [np.zeros((SIDE, SIDE, 3), np.uint8)] * FRAMES, 16)
    nothing = tmp_path / "nothing"
    return RenderInputs(
        model=nothing,
        wan=WAN,
        memory=RESIDENT,
        speed=PLAIN,
        prompts=nothing,
        texts={},
        people={name: Person(nothing, nothing, nothing, "yes", tmp_path / f"{name}.json") for name in ("ann", "ben")},
        blend=None,
        loras={},
        latents_folder=nothing,
        controls_folder=tmp_path,
        clips_folder=nothing,
        landmarks=write_landmarks(tmp_path / "0000.parquet", {CLIP: {1: dancer(50), 2: dancer(110)}}),
    )


def ways(given: RenderInputs, clip: str = CLIP, settings=PERSON) -> Driving:
    return driving_of(given, roles_of(given), clip, settings)


def thigh(joints: np.ndarray) -> float:
    return float(np.linalg.norm(joints[0, COCO.index("left_knee"), :2] - joints[0, COCO.index("left_hip"), :2]))


def test_as_ever_the_dancers_own_are_followed(given: RenderInputs) -> None:
    alone = replace(given, people={"ann": given.people["ann"]})
    assert not alone.placed(SETTINGS)
    assert all(alone.placed(settings) for settings in (PERSON, PALE))
    found = ways(alone, settings=SETTINGS)
    assert not found.anew
    assert np.array_equal(found.dancers.joints[2], dancer(110))


def test_everybody_gets_the_persons_and_who_is_only_let_be_keeps_theirs(given: RenderInputs) -> None:
    alone = replace(given, people={"ann": given.people["ann"]})
    everybody = ways(alone)
    assert everybody.anew
    longer = [thigh(everybody.dancers.joints[number]) / thigh(dancer(0)) for number in (1, 2)]
    assert longer[0] == longer[1] > 1.05
    cast = ways(replace(given, cast=Cast({1: "model", 2: "ann"}, {})))
    assert np.array_equal(cast.dancers.joints[1], dancer(50))
    assert cast.dancers.joints[2] == pytest.approx(everybody.dancers.joints[2], abs=1e-3)
    assert [*ways(replace(given, cast=Cast({1: "nobody", 2: "ann"}, {}))).dancers.joints] == [2]
    unknown = ways(replace(given, people={"ben": given.people["ben"]}))
    assert unknown.dancers.joints[1][..., :2] == pytest.approx(dancer(50)[..., :2], abs=1e-3)


def test_a_weak_head_is_drawn_with_half_its_light(given: RenderInputs) -> None:
    alone = replace(given, people={"ann": given.people["ann"]})
    plain, pale, none = (
        ways(alone, settings=SETTINGS.model_copy(update={"head_joints": head})) for head in ("full", "weak", "none")
    )
    assert [driving.anew for driving in (plain, pale, none)] == [False, True, True]
    drawn = [driving.poses(range(1))[0].astype(int) for driving in (plain, pale, none)]
    top = int(dancer(0)[0, COCO.index("left_shoulder"), 1]) - 8
    assert drawn[0][:top].max() > drawn[1][:top].max() > drawn[2][:top].max() == 0
    assert np.array_equal(drawn[0][top + 20 :], drawn[2][top + 20 :])


def test_a_control_video_that_is_only_pixels_stays(given: RenderInputs, caplog: pytest.LogCaptureFixture) -> None:
    mine = replace(given, people={"ann": given.people["ann"]}, landmarks=None)
    assert not ways(mine, "control-mine").anew
    assert "control-mine: nobody knows where its dancers are" in caplog.text


def test_poses_are_judged_against_what_was_asked_for(given: RenderInputs, tmp_path: Path) -> None:
    cast = replace(given, cast=Cast({2: "ann"}, {}))
    factors = factors_of(cast, roles_of(cast), CLIP, PERSON)
    assert factors.keys() == {2}
    assert factors[2].keys() == {*BONES}
    driving = np.stack([dancer(50), dancer(110)])[..., [0, 1, 3]]
    sidecar, table = tmp_path / "default.json", [given.landmarks] if given.landmarks else []
    assert asked_poses(sidecar, CLIP, table, driving) is driving
    said = {"factors": {str(number): own for number, own in factors.items()}, "taken": {"ann": "head from 2 photos"}}
    write_json(sidecar, {"proportions": said})
    assert how_built(sidecar) == "Proportions of ann: head from 2 photos."
    asked = asked_poses(sidecar, CLIP, table, driving)
    assert asked is not None
    assert np.array_equal(asked[0], driving[0])
    assert asked[1] == pytest.approx(ways(cast).dancers.joints[2][..., [0, 1, 3]])
    assert asked_poses(sidecar, CLIP, [], None) is None
