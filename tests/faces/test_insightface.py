"""The InsightFace backend on small networks in its formats: an SCRFD detector of bright squares, an ArcFace that averages."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facedance.faces.backend import open_backend
from facedance.faces.embedding import distance
from facedance.job import InputError

STRIDES = (8, 16, 32)
SIDE = 128  # of the faces that the detector reports
LANDMARKS = np.array([[-24, -20], [24, -20], [0, 4], [-18, 28], [18, 28]])  # around the middle of the face, in pixels


def save(path, nodes, weights, outputs, size):
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def save_detector(path):
    """Nine outputs: scores, boxes and landmarks at three strides; a white cell of 32 x 32 is the corner of a face's middle."""
    nodes, weights, outputs = [], {}, {}
    heads = {"score": (1, 0.0), "box": (4, SIDE / 2 / 32), "landmarks": (10, LANDMARKS.ravel() / 32)}
    for head, (width, values) in heads.items():
        for stride in STRIDES:
            name = f"{head}{stride}"
            look = float(head == "score" and stride == 32)  # the finer strides never see a face
            # Two anchors a cell; the second of them never answers.
            kernel = np.zeros((2 * width, 3, 1, 1), np.float32)
            kernel[:width] = look / 3
            weights[f"{name}.kernel"] = kernel
            weights[f"{name}.bias"] = np.tile(np.broadcast_to(values, width), 2).astype(np.float32)
            weights[f"{name}.shape"] = np.array([-1, width], np.int64)
            nodes += [
                helper.make_node("AveragePool", ["image"], [f"{name}.cells"], kernel_shape=[stride] * 2, strides=[stride] * 2),
                helper.make_node("Conv", [f"{name}.cells", f"{name}.kernel", f"{name}.bias"], [f"{name}.map"]),
                helper.make_node("Transpose", [f"{name}.map"], [f"{name}.last"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}.last", f"{name}.shape"], [name]),
            ]
            outputs[name] = [f"n{stride}", width]
    save(path, nodes, weights, outputs, ["height", "width"])


def save_recogniser(path, size=112):
    """Averages of squares of a fourth of the side: first of red, then of green, then of blue."""
    part = size // 4
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[part] * 2, strides=[part] * 2),
        helper.make_node("Flatten", ["cells"], ["embedding"]),
    ]
    save(path, nodes, {}, {"embedding": [1, 48]}, [size, size])


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
