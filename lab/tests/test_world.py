"""The world of the tiny model: equal seeds, equal scenes; what is held out stays out; what is known of a scene is true."""

import numpy as np

from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.sample.traits import Traits, traits_of
from lab.tiny.model import WORDS
from lab.world.scene import dance, photo, views
from lab.world.split import HELDOUT_MOVES, heldout_kind, training_identity, training_moves
from lab.world.words import PORTRAIT, describe, vocabulary


def test_equal_seeds_give_equal_scenes_and_others_do_not():
    face = person(Traits())
    who = dressed(face, np.random.default_rng(3))

    def scene(seed):
        return dance(who, training_moves(), 3, 64, np.random.default_rng(seed))

    first, again, other = scene(0), scene(0), scene(1)
    for name in ("frames", "control", "heads"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
        assert not np.array_equal(getattr(first, name), getattr(other, name)), name


def test_a_head_is_where_the_scene_says():
    bald = dressed(person(Traits()), np.random.default_rng(0))
    other = dressed(person(traits_of("somebody else", 0)), np.random.default_rng(0))
    scenes = [dance(who, training_moves(), 9, 128, np.random.default_rng(5)) for who in (bald, other)]
    changed = (scenes[0].frames != scenes[1].frames).any(axis=-1)  # only the head differs, and skin
    y, x = np.mgrid[:128, :128]
    for frame, (x0, y0, x1, y1) in enumerate(scenes[0].heads):
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        assert changed[frame][inside].mean() > 0.5, frame
        above = (y < y0 - 4) | ((y < (y0 + y1) / 2) & ((x < x0 - 8) | (x > x1 + 8)))
        assert changed[frame][above].mean() < 0.02, frame


def test_photos_and_dances_come_with_a_drawn_pose():
    rng = np.random.default_rng(0)
    face = person(Traits())
    for scene in (photo(face, 128, rng), dance(dressed(face, rng), training_moves(), 2, 128, rng)):
        assert scene.frames.shape == scene.control.shape
        assert 0.003 < (scene.control > 40).any(axis=-1).mean() < 0.2


def test_features_are_where_the_views_say():
    face = person(Traits())
    for picture, features in views(face, 3, np.random.default_rng(0)):
        teeth = features[60:68].mean(0).round().astype(int)
        forehead = (features[19] + features[24]).round().astype(int) // 2 - [0, 12]
        mouth = picture[teeth[1] - 2 : teeth[1] + 3, teeth[0] - 2 : teeth[0] + 3].mean((0, 1))
        skin = picture[forehead[1] - 2 : forehead[1] + 3, forehead[0] - 2 : forehead[0] + 3].mean((0, 1))
        assert mouth[2] / mouth[0] > 1.1 * skin[2] / skin[0]  # teeth are less red than skin


def test_what_is_held_out_stays_out():
    assert not set(training_moves()) & set(HELDOUT_MOVES)
    traits = [training_identity(index, 0)[1] for index in range(300)]
    assert not any(heldout_kind(t) for t in traits)
    assert Traits() not in traits
    assert any(heldout_kind(traits_of(f"anybody {i}", 0)) for i in range(100))


def test_scenes_are_told_in_words_that_the_text_encoder_knows():
    assert set(vocabulary()) <= set(WORDS)
    told = {describe(dressed(person(Traits()), np.random.default_rng(i))) for i in range(5)}
    assert len(told) > 1
    assert set(" ".join([*told, PORTRAIT]).split()) <= set(WORDS)
