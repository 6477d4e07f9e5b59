"""The InsightFace backend on small networks in its formats: an SCRFD detector of bright squares, an ArcFace that averages."""

import numpy as np
import onnxruntime
import pytest
from insightface.model_zoo import onnxruntime_utils

from facedance.faces import insightface_backend
from facedance.faces.backend import open_backend
from facedance.faces.embedding import distance
from facedance.job import InputError
from tests.faces.packs import LANDMARKS, SIDE, save_detector, save_recogniser


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    save_recogniser(folder / "1k3d68.onnx", size=192)  # packs hold more networks than the two that are needed
    save_detector(folder / "det_10g.onnx")
    save_recogniser(folder / "w600k_r50.onnx")
    return folder


@pytest.fixture(scope="module")
def backend(pack):
    return open_backend("insightface", pack)


def picture(*corners, colour=(200, 90, 40)):
    """A 640 x 640 picture: at each corner (x, y, multiples of 32) a white cell, with a coloured square around it."""
    image = np.zeros((640, 640, 3), np.uint8)
    for x, y in corners:
        image[y - 40 : y + 60, x - 40 : x + 60] = colour
        image[y : y + 32, x : x + 32] = 255
    return image


def test_faces_are_decoded_from_the_detectors_outputs(backend):
    (face,) = backend.detect(picture((320, 192)), 24)
    assert face.box.tolist() == [256, 128, 384, 256]
    np.testing.assert_allclose(face.landmarks, LANDMARKS + np.array([320, 192]))
    assert 0.9 < face.score <= 1
    assert len(backend.detect(picture((320, 192), (96, 480)), 24)) == 2
    assert backend.detect(picture((320, 192)), SIDE + 1) == []
    assert backend.detect(picture(), 24) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3000, 3), (10000, 3, 3), (3, 700, 3)])
@pytest.mark.parametrize("min_face_px", [20, 400])
def test_tiny_and_extreme_pictures_have_no_face(backend, shape, min_face_px):
    assert backend.detect(np.zeros(shape, np.uint8), min_face_px) == []


def test_boxes_are_in_pixels_of_the_given_image(backend):
    (face,) = backend.detect(picture((320, 192)).repeat(2, 0).repeat(2, 1), 24)
    np.testing.assert_allclose(face.box, [512, 256, 768, 512])


def test_embeddings_are_directions_of_the_aligned_face(backend):
    first, moved = picture((320, 192)), picture((128, 416))
    one = backend.embed(first, *backend.detect(first, 24))
    assert one.vector.shape == (backend.dimension,) == (48,)
    assert one.norm == 1
    assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-6)
    assert distance(one, backend.embed(moved, *backend.detect(moved, 24))) < 1e-3
    green = picture((320, 192), colour=(40, 200, 90))
    assert distance(one, backend.embed(green, *backend.detect(green, 24))) > 0.2


def test_the_recogniser_sees_red_first(backend):
    image = picture((320, 192), colour=(255, 0, 0))
    red, green, blue = backend.embed(image, *backend.detect(image, 24)).vector.reshape(3, 16).mean(1)
    assert red > green
    assert green == pytest.approx(blue, abs=1e-6)


@pytest.mark.parametrize("size", [112, 160])
def test_alignment_puts_the_eyes_at_arcfaces_places(backend, size):
    image = picture((320, 192))
    (face,) = backend.detect(image, 24)
    for x, y in face.landmarks[:2].astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = (0, 255, 0)
    crop = backend.align(image, face, size).astype(int)
    greenest = crop[..., 1] - crop[..., 0] > 100
    left, right = np.argwhere(greenest & (np.arange(size) < size / 2)), np.argwhere(greenest & (np.arange(size) > size / 2))
    assert crop.shape == (size, size, 3)
    np.testing.assert_allclose(left.mean(0)[::-1] * 112 / size, [38.3, 51.7], atol=5)
    np.testing.assert_allclose(right.mean(0)[::-1] * 112 / size, [73.5, 51.5], atol=5)


@pytest.mark.parametrize(
    ("own", "got", "said"),
    [(1, "CUDA", "det_10g.onnx runs on CUDA"), (None, "CPU", "CUDA could not be used, so it runs on")],
)
def test_cuda_is_loaded_where_it_is_built_in_and_the_log_says_what_computes(pack, monkeypatch, caplog, own, got, said):
    asked, loaded, real = [], [], onnxruntime.InferenceSession

    class Session(real):
        def __init__(self, path, providers):
            asked.append(providers)
            super().__init__(path, providers=["CPUExecutionProvider"])

        def get_providers(self):
            return list(dict.fromkeys([f"{got}ExecutionProvider", "CPUExecutionProvider"]))

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(insightface_backend, "own_gpu", lambda: own)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: loaded.append("libraries"))
    monkeypatch.setattr(onnxruntime_utils, "_CUDA_PRELOAD_COMPLETE", False)
    with caplog.at_level("INFO", "facedance"):
        open_backend("insightface", pack)
    assert asked == [[("CUDAExecutionProvider", {"device_id": own or 0}), "CPUExecutionProvider"]] * 2
    assert loaded == ["libraries"]
    assert said in caplog.text


def test_unusable_packs_are_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no InsightFace detector with landmarks: put the \.onnx files of a pack"):
        open_backend("insightface", tmp_path)
    save_detector(tmp_path / "det.onnx")
    with pytest.raises(InputError, match="holds no InsightFace recogniser"):
        open_backend("insightface", tmp_path)
    save_recogniser(tmp_path / "rec.onnx")
    (tmp_path / "rec.onnx").write_bytes((tmp_path / "rec.onnx").read_bytes()[:100])
    with pytest.raises(InputError, match=r"rec\.onnx is no usable ONNX network .* delete it and fetch it again"):
        open_backend("insightface", tmp_path)
