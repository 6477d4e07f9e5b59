"""Scenes with the pose that the landmarker sees."""

from dataclasses import replace

import numpy as np
import pytest

from facedance.poses.landmarker import open_landmarker
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.sample.traits import Traits
from lab.world.estimated import estimated_control
from lab.world.scene import dance
from lab.world.split import training_moves

SIDE = 128


def scene(frames):
    rng = np.random.default_rng(0)
    return dance(dressed(person(Traits()), rng), training_moves(), frames, SIDE, rng)


@pytest.mark.parametrize("frames", [1, 3])
def test_the_pose_is_seen_where_it_is_and_not_as_the_scene_draws_it(pose_model, frames):
    shown = scene(frames)
    with open_landmarker(pose_model, "image") as finder:
        control = estimated_control(shown, finder, pose_model)
        assert np.array_equal(control, estimated_control(shown, finder, pose_model))
    assert control.shape == shown.control.shape
    for own, seen in zip(shown.control, control, strict=True):
        assert not np.array_equal(own, seen)
        middles = [np.argwhere(picture.max(axis=-1) > 60).mean(axis=0) for picture in (own, seen)]
        assert np.linalg.norm(middles[0] - middles[1]) < 4, middles


def test_where_nobody_is_seen_the_scenes_own_pose_stays(pose_model):
    shown = scene(1)
    empty = replace(shown, large=np.full_like(shown.large, 128))
    with open_landmarker(pose_model, "image") as finder:
        assert np.array_equal(estimated_control(empty, finder, pose_model), shown.control)
