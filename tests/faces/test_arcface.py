"""ArcFace in torch says what onnxruntime says of the same file, and its gradients are true."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper

from benchmarks.random_arcface import FULL_BLOCKS, FULL_WIDTHS, save_arcface
from facedance.faces.arcface_network import CHIP, aligned, load_arcface_network
from facedance.faces.backend import open_backend
from facedance.faces.face import Face
from facedance.faces.face_loss import FaceLoss, recogniser_file
from facedance.job import InputError
from tests.faces.packs import save_detector
from tests.faces.people import portrait

FULL = {"widths": FULL_WIDTHS, "blocks": FULL_BLOCKS}
LANDMARKS = torch.tensor([[[70.0, 60], [104, 57], [88, 80], [76, 99], [103, 97]]])


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """A folder with a small network of ArcFace's form."""
    folder = tmp_path_factory.mktemp("pack")
    save_detector(folder / "det_10g.onnx")
    save_arcface(folder / "w600k_r50.onnx")
    return folder


def noise(count, side=CHIP, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def slope_and_difference(function, at):
    """The gradient of a function of one tensor along a chance direction, and what it differs by around there, in float64."""
    at = at.double().requires_grad_()
    along = torch.randn(at.shape, dtype=at.dtype, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(function(at), at)
    step = 1e-6
    with torch.no_grad():
        return (gradient * along).sum().item(), ((function(at + step * along) - function(at - step * along)) / (2 * step)).item()


@pytest.mark.parametrize("form", [{}, {"folded": False}, pytest.param(FULL, marks=pytest.mark.thorough, id="iresnet50")])
def test_the_network_gives_onnxruntimes_numbers_and_true_gradients(form, tmp_path):
    path = tmp_path / "recogniser.onnx"
    save_arcface(path, **form)
    session, network = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]), load_arcface_network(path)
    faces = noise(2)
    theirs = [torch.from_numpy(session.run(None, {"data": face[None].numpy()})[0]) for face in faces]
    np.testing.assert_allclose(F.normalize(network(faces)), F.normalize(torch.cat(theirs)), atol=1e-6)
    network, wanted = network.double(), F.normalize(noise(1, seed=2).flatten(1)[:, :512].double())
    slope, difference = slope_and_difference(lambda x: (F.normalize(network(x)) - wanted).square().sum(), faces[:1])
    assert slope == pytest.approx(difference, rel=1e-4)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("turn", [0, 0.3])
def test_faces_are_cut_as_the_backend_cuts_them(pack, turn):
    points = np.array([[143, 102], [187, 104], [165, 128], [148, 150], [184, 151]])  # of the portrait
    turned = (points - points.mean(0)) @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    face = Face(np.array([120, 75, 210, 165], np.float32), 1.0, (turned + points.mean(0)).astype(np.float32))
    ours = aligned(torch.from_numpy(portrait()).permute(2, 0, 1)[None].float(), torch.from_numpy(face.landmarks)[None])
    theirs = open_backend("insightface", pack).align(portrait(), face, CHIP).transpose(2, 0, 1)
    assert np.corrcoef(ours[0].numpy().ravel(), theirs.ravel())[0, 1] > 0.995
    assert np.corrcoef(ours[0, :, 2:].numpy().ravel(), theirs[:, :-2].ravel())[0, 1] < 0.99, "two pixels beside"


def test_the_loss_is_that_of_the_recogniser_alone_with_true_gradients(pack):
    loss, frames, wanted = FaceLoss(pack), noise(1, 160), F.normalize(noise(1, seed=2).flatten(1)[:, :512])
    identity, missed = loss(frames, LANDMARKS, wanted, torch.Generator().manual_seed(0))
    seen = loss.embeddings(aligned(frames, LANDMARKS))
    assert seen.shape == (1, 512)
    assert missed == 0
    assert identity == pytest.approx((seen - wanted).square().sum().item(), abs=0.3)
    assert loss(frames[:0], LANDMARKS[:0], wanted[:0], torch.Generator())[0] == 0
    frames.requires_grad_()
    before, _ = loss(frames, LANDMARKS, wanted, torch.Generator().manual_seed(0))
    (slope,) = torch.autograd.grad(before, frames)
    with torch.no_grad():
        step = 0.05 / slope.norm()
        after, _ = loss(frames - step * slope, LANDMARKS, wanted, torch.Generator().manual_seed(0))
    assert (before - after).item() == pytest.approx(0.05 * slope.norm().item(), rel=0.1)


def test_several_faces_are_as_one_after_the_other(pack):
    loss, frames, landmarks = FaceLoss(pack), noise(3, 160), LANDMARKS + torch.arange(3)[:, None, None]
    one_by_one = [loss.embeddings(aligned(frames[i : i + 1], landmarks[i : i + 1])) for i in range(3)]
    np.testing.assert_allclose(loss.embeddings(aligned(frames, landmarks)), torch.cat(one_by_one), atol=1e-6)


def test_the_recogniser_of_a_folder_is_found(pack, tmp_path):
    assert recogniser_file(pack) == pack / "w600k_r50.onnx"
    with pytest.raises(InputError, match="holds no InsightFace detector"):
        recogniser_file(tmp_path)


def test_a_network_of_another_form_is_refused(tmp_path):
    path = tmp_path / "mobile.onnx"
    places = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, CHIP, CHIP]) for name in ("data", "out")]
    graph = helper.make_graph([helper.make_node("Sigmoid", ["data"], ["out"])], "mobile", places[:1], places[1:])
    onnx.save(helper.make_model(graph), str(path))
    with pytest.raises(InputError, match=r"mobile.onnx has a layer Sigmoid, of which no gradient is known here: choose a pack"):
        load_arcface_network(path)
