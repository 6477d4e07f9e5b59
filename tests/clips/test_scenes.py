"""Hard cuts bound scenes; flashes and quick dancing do not."""

import numpy as np
import pytest

from facedance.clips.scenes import SceneWatch, cuts, split
from facedance.clips.timing import Stretch, frame_indices
from facedance.video.times import inspect
from tests.clips.videos import make_video

TIMES = np.arange(120) / 30
QUIET = np.random.default_rng(0).uniform(0.5, 3.0, 120)


def with_changes(**at: float) -> np.ndarray:
    changes = QUIET.copy()
    for frame, change in at.items():
        changes[int(frame[1:])] = change
    return changes


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (with_changes(), []),
        (with_changes(f50=40), [50]),
        (with_changes(f1=40, f118=40), [1, 118]),
        (with_changes(f50=40, f51=40), []),  # a flash comes and goes
        (with_changes(f50=40, f54=35), []),  # so does a longer one
        (with_changes(f50=40, f80=40), [50, 80]),
        (QUIET * 8, []),  # quick dancing in front of a moving camera
        (with_changes(f50=11), []),  # too faint for a cut
    ],
)
def test_a_cut_stands_out(changes, found):
    assert cuts(TIMES, changes.tolist()) == found


def test_a_hole_in_the_recording_bounds_a_scene():
    times = np.concatenate([TIMES[:60], TIMES[:60] + 5])
    first, second = split(times, cuts(times, QUIET.tolist()))
    assert first.end == pytest.approx(59.5 / 30, abs=0.01)
    assert (second.start, second.end) == (5.0, pytest.approx(5 + 59.5 / 30, abs=0.02))


def test_a_clip_of_a_scene_shows_none_of_the_next():
    first, second = split(TIMES, [50])
    assert second.start == pytest.approx(50 / 30, abs=1e-3)
    for fps in (16, 24, 30):
        assert frame_indices(TIMES, first.start, fps, first.room(fps)).max() == 49
        assert frame_indices(TIMES, second.start, fps, second.room(fps)).min() == 50


def shade(number, width, height):
    """A room until frame 25, then another, with the light on from frame 10 to 15."""
    y, x = np.mgrid[:height, :width]
    room = (x + number) % 160 if number < 25 else 160 - (y * 2 + number) % 160
    return np.repeat((room + 95 * (10 <= number < 16))[..., None], 3, axis=2).astype(np.uint8)


def test_scenes_are_seen_in_passing(tmp_path):
    path = make_video(tmp_path / "v.mp4", TIMES[:60], picture=shade)
    watch = SceneWatch()
    info = inspect(path, watch=watch.see)
    scenes = watch.scenes(info.timestamps)
    assert [scene.start for scene in scenes] == [0.0, 0.833]
    assert scenes[1].within(0, 1.5) == Stretch(0.833, 1.5)
