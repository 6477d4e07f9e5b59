"""Pictures and sound of clips keep together, whatever the container: half a frame of a clip at most."""

import pytest

from facedance.clips.cut import cut_video
from tests.clips.in_step import KINDS, apart, make_clicking_video
from tests.clips.test_cut import CENTER, WAN, one


def cut_apart(tmp_path, kind, seconds, whole=False):
    video = make_clicking_video(tmp_path, kind, seconds)
    wan = WAN.model_copy(update={"frames": 33})
    rows = cut_video(
        video.stem, video, tmp_path / "out", CENTER.model_copy(update={"max_per_video": 20, "whole": whole}), wan, one
    )
    assert {row["status"] for row in rows} == {"accepted"}
    return [apart(tmp_path / "out" / f"{row['clip']}.mp4") for row in rows]


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4], KINDS[5]], ids=lambda kind: kind.name)
def test_sound_is_in_step(tmp_path, kind):
    for found in cut_apart(tmp_path, kind, 4.3):
        assert abs(found).max() <= 0.5 / 16


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_sound_is_in_step_for_half_a_minute(tmp_path, kind):
    for found in cut_apart(tmp_path, kind, 30):
        assert abs(found).max() <= 0.5 / 16


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4]], ids=lambda kind: kind.name)
def test_sound_is_in_step_to_the_end_of_a_minute(tmp_path, kind):
    (found,) = cut_apart(tmp_path, kind, 60, whole=True)
    assert len(found) == 59
    assert abs(found).max() <= 0.5 / 16
