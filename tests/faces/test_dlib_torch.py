"""dlib's recogniser and detector in torch say what dlib says."""

import dlib
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from facedance.faces.dlib_backend import RECOGNISER_FILE, DlibBackend
from facedance.faces.dlib_detector import CELL, SIDE, DlibDetector, searched
from facedance.faces.dlib_network import CHIP, aligned, load_dlib_network
from facedance.job import InputError
from tests.faces.people import dlib_folder, lit, portrait, same_person_photos, scaled, somebody_else, tilted


@pytest.fixture(scope="module")
def network():
    return load_dlib_network(dlib_folder() / RECOGNISER_FILE)


@pytest.fixture(scope="module")
def backend():
    return DlibBackend(dlib_folder())


def tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1


def face_in(image, backend):
    face = max(backend.detect(image, 40), key=lambda face: face.score)
    return face, torch.from_numpy(face.landmarks)[None]


def test_the_network_gives_dlibs_numbers(network, backend):
    recogniser = dlib.face_recognition_model_v1(str(dlib_folder() / RECOGNISER_FILE))
    noise = np.random.default_rng(0).integers(0, 256, (CHIP, CHIP, 3), np.uint8)
    chips = [backend.align(image, face_in(image, backend)[0], CHIP) for image in (portrait(), somebody_else())]
    for chip in [*chips, noise]:
        numbers = network(tensor(chip))[0].numpy()
        np.testing.assert_allclose(numbers, np.array(recogniser.compute_face_descriptor(chip)), atol=1e-5)


def test_another_file_is_refused_with_the_name_of_the_right_one(tmp_path):
    path = tmp_path / "weights.dat"
    for content in (b"", (dlib_folder() / RECOGNISER_FILE).read_bytes()[:1_000_000]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"weights.dat is not dlib's recogniser \(dlib_face_recognition_resnet_model_v1"):
            load_dlib_network(path)


def test_faces_are_cut_as_dlib_cuts_them(network, backend):
    for image in (portrait(), tilted(portrait(), 10), scaled(portrait(), 0.5)):
        face, landmarks = face_in(image, backend)
        numbers = network(aligned(tensor(image), landmarks))[0].numpy()
        assert np.linalg.norm(numbers - backend.embed(image, face).raw) < 0.12, "a photo differs from itself by no more"


def test_gradients_lead_to_the_other_person(network, backend):
    image = portrait()
    _, landmarks = face_in(image, backend)
    chip = aligned(tensor(image), landmarks).requires_grad_()
    other = somebody_else()
    wanted = torch.from_numpy(backend.embed(other, face_in(other, backend)[0]).raw)
    before = (network(chip)[0] - wanted).norm()
    (slope,) = torch.autograd.grad(before, chip)
    after = (network(chip - 2 * slope / slope.norm())[0] - wanted).norm()
    assert after < before - 0.05


def test_the_detector_gives_dlibs_scores():
    """dlib's filters are of reduced rank, and its pictures are searched at other places, too; so they agree but roughly."""
    detector, theirs, ours = DlibDetector(), [], []
    for image in (portrait(), lit(portrait(), 1.5), tilted(portrait(), 12), tilted(portrait(), 20)):
        for factor in np.linspace(0.72, 0.8, 4):  # where they are found without making the picture smaller
            picture = scaled(image, factor)
            _, scores, _ = dlib.get_frontal_face_detector().run(picture, 0, -1.0)
            features = detector.features((tensor(picture) + 1) * 127.5)
            responses = F.conv2d(features, detector.filters) - detector.thresholds.view(-1, 1, 1)
            theirs.append(scores[0])
            ours.append(responses.max().item())
    assert np.ptp(theirs) > 0.5
    np.testing.assert_allclose(ours, theirs, atol=0.25)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


def test_the_detector_is_shown_the_face_in_its_own_size(backend):
    detector, grey = DlibDetector(), torch.zeros(1, 3, SIDE, SIDE)
    images = same_person_photos()
    found = torch.stack([detector(searched(tensor(image), face_in(image, backend)[1]))[0] for image in images])
    theirs = [face_in(image, backend)[0].score for image in images]
    assert (found > 0.3).all(), f"dlib finds all of them, with {theirs}"
    assert detector(grey).item() < -0.5
    image = images[0]
    away = torch.tensor([4.0 * CELL, 0.0])
    _, landmarks = face_in(image, backend)
    assert detector(searched(tensor(image), landmarks + away)) < found[0] - 0.5


def test_gradients_lead_to_a_surer_face(backend):
    image, detector = portrait(), DlibDetector()
    picture = searched(tensor(image), face_in(image, backend)[1])
    blurred = F.avg_pool2d(F.pad(picture, (4, 4, 4, 4), mode="replicate"), 9, 1).requires_grad_()
    before = detector(blurred)[0]
    (slope,) = torch.autograd.grad(before, blurred)
    assert detector(blurred + 0.5 * slope / slope.norm())[0] > before + 0.01
