"""The dlib backend on real pictures, head pose, sharpness, and the choice of a photo's face."""

from dataclasses import replace

import cv2
import dlib
import numpy as np
import pytest
import skimage.data

from facedance.config.sections import Faces
from facedance.faces.backend import open_backend
from facedance.faces.crop import square_crop
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import Embedding, distance
from facedance.faces.face import Face
from facedance.faces.insightface_backend import InsightFaceBackend
from facedance.faces.photos import UnusablePhoto
from facedance.faces.quality import defect, head_pose, measure, sharpness, weight
from facedance.faces.reference import head_on_white
from facedance.faces.select import main_face, same_person
from facedance.job import InputError
from tests.faces.people import dlib_folder, lit, mirrored, portrait, same_person_photos, scaled, somebody_else, tilted

LIMITS = Faces(
    backend="dlib",
    insightface_model="buffalo_l",
    detector_score=0.0,
    min_photos=3,
    min_face_px=48,
    min_sharpness=20.0,
    max_yaw_degrees=50.0,
    outlier_distance=0.45,
    aggregation="weighted_mean",
)


@pytest.fixture(scope="module")
def backend():
    return open_backend("dlib", dlib_folder())


def face_in(backend, image, min_face_px=48):
    return main_face(backend.detect(image, min_face_px), 0.0)


def embedding_of(backend, image, min_face_px=48):
    return backend.embed(image, face_in(backend, image, min_face_px))


def test_the_same_person_is_near_and_somebody_else_is_far(backend):
    same = [embedding_of(backend, image) for image in same_person_photos()]
    assert max(distance(a, b) for a in same for b in same) < 0.4
    other = embedding_of(backend, somebody_else())
    assert min(distance(other, a) for a in same) > 0.5


def test_embeddings_are_those_of_dlib_itself(backend):
    image = portrait()
    shape = dlib.shape_predictor(str(dlib_folder() / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(dlib_folder() / "dlib_face_recognition_resnet_model_v1.dat"))
    box = dlib.get_frontal_face_detector()(image, 0)[0]
    reference = Embedding.of(np.array(network.compute_face_descriptor(image, shape(image, box))))
    ours = embedding_of(backend, image)
    assert ours.vector.shape == (backend.dimension,)
    assert distance(ours, reference) < 0.1
    assert ours.norm == pytest.approx(reference.norm, rel=0.1)


@pytest.mark.parametrize("factor", [0.3, 0.5, 2.0])
def test_boxes_and_landmarks_are_in_pixels_of_the_given_image(backend, factor):
    whole, resized = face_in(backend, portrait()), face_in(backend, scaled(portrait(), factor), 24)
    np.testing.assert_allclose(resized.box / factor, whole.box, atol=12)
    np.testing.assert_allclose(resized.landmarks / factor, whole.landmarks, atol=5)


def test_small_faces_are_found_only_when_asked_for(backend):
    small = scaled(portrait(), 0.4)  # a face of 36 px
    assert backend.detect(small, 80) == []
    assert face_in(backend, small, 24).size == pytest.approx(36, abs=4)


def test_alignment_levels_the_eyes(backend):
    image = tilted(portrait(), 15)
    crop = backend.align(image, face_in(backend, image), 300)
    upright = backend.align(portrait(), face_in(backend, portrait()), 300)
    assert crop.shape == (300, 300, 3)
    similarity = np.corrcoef(crop.astype(float).ravel(), upright.astype(float).ravel())[0, 1]
    assert similarity > 0.95


def test_a_false_face_does_not_count(backend):
    image = skimage.data.astronaut()
    found = backend.detect(image, 48)
    assert len(found) == 2, "the flag or the suit is no longer taken for a face: find another picture"
    main = main_face(found, 0.0)
    assert main.centre == pytest.approx([221, 122], abs=5)
    assert main.score == max(face.score for face in found)


def test_photos_without_one_clear_face_are_refused(backend):
    with pytest.raises(UnusablePhoto, match="no face: none was found"):
        face_in(backend, np.asarray(skimage.data.coffee()))
    with pytest.raises(UnusablePhoto, match=r"several faces: 2 faces of similar size \(\d+, \d+ px\)"):
        face_in(backend, np.hstack([portrait(), mirrored(portrait())]))
    with pytest.raises(UnusablePhoto, match=r"no face: the surest has score \d\.\d\d, 9 is needed"):
        main_face(backend.detect(portrait(), 48), 9)
    bystander = np.zeros((300, 160, 3), np.uint8)
    bystander[:150] = scaled(portrait(), 0.5)
    assert face_in(backend, np.hstack([portrait(), bystander]), 40).size > 80


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (64, 64, 3), (2, 2048, 3), (2048, 1, 3)])
@pytest.mark.parametrize("min_face_px", [20, 48, 400, 100000])
def test_tiny_images_have_no_face(backend, shape, min_face_px):
    assert backend.detect(np.zeros(shape, np.uint8), min_face_px) == []


def test_missing_and_damaged_weights_are_told(tmp_path):
    with pytest.raises(InputError, match=r"dlib's weights .* put shape_predictor_5_face_landmarks\.dat"):
        open_backend("dlib", tmp_path)
    for name in ("shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"):
        (tmp_path / name).write_bytes((dlib_folder() / name).read_bytes()[:5000])
    with pytest.raises(InputError, match="delete the damaged file"):
        open_backend("dlib", tmp_path)
    with pytest.raises(ValueError, match="unknown face backend 'clip'; known are dlib, insightface"):
        open_backend("clip", tmp_path)


@pytest.mark.parametrize("kind", [DlibBackend, InsightFaceBackend])
@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (35, 0, 0), (-60, 0, 0), (0, 20, 0), (0, 0, -30), (25, 0, 20)])
def test_head_pose_of_a_projected_head(kind, yaw, pitch, roll):
    found = head_pose(projected(kind.face_model, yaw, pitch, roll), kind.face_model)
    assert found.yaw == pytest.approx(yaw, abs=5)
    assert found.roll == pytest.approx(roll, abs=5)
    # Eyes and nose alone say little of the pitch.
    assert found.pitch == pytest.approx(pitch, abs=12 if kind is DlibBackend else 5)


def projected(face_model, yaw, pitch, roll):
    """Landmarks (5, 2) of a head 70 cm from a camera, turned to the viewer's right, up, and clockwise."""
    y, p, r = np.radians([yaw, -pitch, roll])
    turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = (face_model * [1, -1, -1]) @ (turn_z @ turn_y @ turn_x).T + [3, 2, 70]
    return (points[:, :2] / points[:, 2:] * 800 + [300, 200]).astype(np.float32)


def test_head_pose_follows_a_mirrored_and_a_tilted_photo(backend):
    def pose(image):
        return head_pose(face_in(backend, image).landmarks, backend.face_model)

    straight, mirror, tilt = pose(portrait()), pose(mirrored(portrait())), pose(tilted(portrait(), -15))
    assert mirror.yaw == pytest.approx(-straight.yaw, abs=4)
    assert tilt.roll - straight.roll == pytest.approx(15, abs=4)


def test_blur_lowers_sharpness_whatever_the_size_of_the_photo(backend):
    def sharp(image):
        return measure(image, face_in(backend, image), backend).sharpness

    soft, blurred = (sharp(cv2.GaussianBlur(portrait(), (0, 0), sigma)) for sigma in (1, 3))
    assert sharp(portrait()) > 1.2 * soft > 3 * blurred
    assert sharp(scaled(portrait(), 3)) == pytest.approx(sharp(portrait()), rel=0.2)
    assert sharpness(np.full((112, 112, 3), 90, np.uint8)) == 0


def grainy(image, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, image.shape[:2])[..., None]
    return (image + noise).clip(0, 255).astype(np.uint8)


def test_dark_and_grainy_photos_are_not_blurred_and_blurred_ones_are_whatever_the_light_and_the_grain(backend):
    sharp = scaled(portrait(), 2)  # the face is 180 px wide
    blurred = cv2.GaussianBlur(sharp, (0, 0), 6)
    face = face_in(backend, sharp)
    changes = {
        "as it is": lambda image: image,
        "a tenth of the light": lambda image: (image * 0.1).astype(np.uint8),
        "little contrast": lambda image: (110 + image * 0.15).astype(np.uint8),
        "grain": lambda image: grainy(image, 12),
        "much grain": lambda image: grainy(image, 30),
        "dark with grain": lambda image: grainy(image * 0.15, 3),
        "bright": lambda image: lit(image, 0.5),
    }
    for name, change in changes.items():
        assert defect(measure(change(sharp), face, backend), LIMITS) is None, name
        assert (defect(measure(change(blurred), face, backend), LIMITS) or "").startswith("blurred: "), name


def test_defects_name_the_measured_and_the_allowed_value(backend):
    quality = measure(portrait(), face_in(backend, portrait()), backend)
    assert defect(quality, LIMITS) is None
    assert defect(replace(quality, face_px=40.2), LIMITS) == "face too small: 40 px, at least 48 are needed"
    assert defect(replace(quality, sharpness=12.34), LIMITS) == "blurred: sharpness 12.3, at least 20 is needed"
    turned = replace(quality, pose=replace(quality.pose, yaw=-61.7))
    assert defect(turned, LIMITS) == "turned away: yaw -62 degrees, at most 50 either way"
    assert 0 < weight(turned) < weight(quality) < 1
    assert weight(replace(quality, face_px=45)) == pytest.approx(weight(quality) / 2)


def test_the_head_on_white_is_the_head_on_white(backend):
    face = face_in(backend, portrait())
    picture = head_on_white(portrait(), face, 128)
    assert picture.shape == (128, 128, 3)
    assert (picture[[0, 0, -1, -1, 64, 64], [0, -1, 0, -1, 0, -1]] == 255).all()
    inner = square_crop(portrait(), face.centre - [0, 0.2 * face.size], 2.2 * 90, 128)[40:90, 40:90]
    assert np.abs(picture[40:90, 40:90].astype(int) - inner).mean() < 6
    at_the_edge = replace(face, box=face.box - np.float32([100, 90, 100, 90]))
    assert (head_on_white(portrait(), at_the_edge, 64)[:16] == 255).all()


def test_square_crops_copy_pixels_and_fill_the_outside():
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    np.testing.assert_array_equal(square_crop(image, np.float32([3, 2]), 4, 4), image[:4, 1:5])
    beyond = square_crop(image, np.float32([0, 0]), 4, 4, fill=9)
    np.testing.assert_array_equal(beyond[2:, 2:], image[:2, :2])
    assert (beyond[:2] == 9).all()


def test_outliers_are_dropped_whatever_their_number_below_half():
    rng = np.random.default_rng(0)

    def around(centre, n):
        return centre + rng.normal(0, 0.03, (n, 8))

    person, stranger = np.zeros(8), np.full(8, 0.4)
    for others in range(6):
        points = np.concatenate([around(stranger, others), around(person, 6)])
        distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
        same, medoid = same_person(distances, 0.5)
        assert same.tolist() == [False] * others + [True] * 6
        assert medoid >= others
    assert same_person(np.zeros((1, 1)), 0.5)[0].tolist() == [True]


def test_a_face_knows_its_size_and_centre():
    face = Face(np.float32([10, 20, 40, 60]), 1.0, np.zeros((5, 2), np.float32))
    assert face.size == 30
    assert face.centre.tolist() == [25, 40]


def test_light_hardly_changes_an_embedding(backend):
    assert distance(embedding_of(backend, portrait()), embedding_of(backend, lit(portrait(), 1.8))) < 0.25
