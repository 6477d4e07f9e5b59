"""The face of a photo that lies on its side, and what is not turned."""

import cv2
import numpy as np
import pytest
import skimage.data

from facedance.faces.backend import open_backend
from facedance.faces.face import Face
from facedance.faces.find import find_face, turned
from facedance.faces.photos import UnusablePhoto
from tests.faces.people import dlib_folder, mirrored, portrait, scaled


@pytest.fixture(scope="module")
def backend():
    return open_backend("dlib", dlib_folder())


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_photos_without_exif_are_turned_until_the_face_is_upright(backend, degrees):
    upright = find_face(portrait(), backend, 40, 0.0)
    seen = find_face(turned(portrait(), -degrees), backend, 40, 0.0)
    assert seen.turn == degrees
    np.testing.assert_array_equal(seen.image, portrait())
    np.testing.assert_array_equal(seen.face.box, upright.face.box)


def test_turning_finds_no_faces_where_there_are_none(backend):
    for image in (skimage.data.coffee(), skimage.data.rocket(), skimage.data.chelsea()):
        with pytest.raises(UnusablePhoto, match="no face: "):
            find_face(np.asarray(image), backend, 60, 0.0)


def test_the_reason_names_the_turn(backend):
    two = np.hstack([portrait(), mirrored(portrait())])
    with pytest.raises(UnusablePhoto, match=r"several faces: 2 .* \(the photo was turned by 90 degrees\)"):
        find_face(turned(two, 270), backend, 40, 0.0)


def test_large_photos_are_turned_too(backend):
    large = cv2.copyMakeBorder(scaled(portrait(), 4), 0, 848, 0, 200, cv2.BORDER_CONSTANT)
    assert find_face(turned(large, 180), backend, 100, 0.0).turn == 180


def test_a_detector_that_sees_faces_on_their_side_too_does_not_keep_them_there(backend):
    class SeesAll:
        """Sees the face of the portrait however it lies, always as surely."""

        face_model = backend.face_model

        def detect(self, image, min_face_px):
            for turn in (0, 90, 180, 270):
                for face in backend.detect(turned(image, turn), min_face_px):
                    return [_turned_back(face, turn, image)]
            return []

    seen = find_face(turned(portrait(), 90), SeesAll(), 40, 0.0)
    assert seen.turn == 270
    np.testing.assert_array_equal(seen.image, portrait())


def _turned_back(face, turn, image):
    """A face of the image turned clockwise by `turn`, in the image itself."""
    height, width = image.shape[:2]
    centre = np.array([height, width] if turn % 180 else [width, height]) / 2
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    points = np.concatenate([face.box.reshape(2, 2), face.landmarks]) - centre
    back = points @ np.array([[cos, -sin], [sin, cos]]) + np.array([width, height]) / 2
    box = np.concatenate([back[:2].min(0), back[:2].max(0)])
    return Face(box.astype(np.float32), 0.9, back[2:].astype(np.float32))


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 10000, 3), (19, 400, 3)])
def test_photos_too_small_for_a_face_are_told(backend, shape):
    with pytest.raises(UnusablePhoto, match=rf"too small: {shape[1]} x {shape[0]} pixels"):
        find_face(np.zeros(shape, np.uint8), backend, 400, 0.0)
