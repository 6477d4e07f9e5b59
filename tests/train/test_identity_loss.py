"""The recogniser's view of what is guessed in a photo, as a part of a person's training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.face_loss import FaceLoss
from facedance.latents.photos import frame_portrait
from facedance.train.example import make_example, stacked
from facedance.train.identity_loss import IdentityLoss, for_single_frames
from facedance.train.items import Item
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import load_vae
from tests.faces.people import dlib_folder, portrait, somebody_else

ASSETS = Path(__file__).parents[2] / "assets"
SIDE = 128


@pytest.fixture(scope="module")
def vae():
    return load_vae(ASSETS / "tiny", torch.device("cpu"))


@pytest.fixture(scope="module")
def backend():
    return DlibBackend(dlib_folder())


@pytest.fixture(scope="module")
def example(vae, backend):
    """The portrait as a photo to learn from, with noise."""
    photo = portrait()
    window = frame_portrait(photo, backend.detect(photo, 40)[0], 0.3, SIDE, SIDE)
    video = LatentEncoder(vae, SIDE, SIDE).video(window.image[None])
    shape = video.shape[1:]
    item = Item(
        video, control=torch.zeros(1, *shape), reference=None, face=torch.zeros(1, *shape), seen=torch.ones(1, *shape),
        landmarks=torch.from_numpy(window.landmarks), embedding=None,
    )  # fmt: skip
    return make_example(
        item, text=torch.zeros(1, 1), embedding=embedding_of(photo, backend), sigma=0.7, with_reference=False, face_weight=0.0,
        random=torch.Generator().manual_seed(0),
    )  # fmt: skip


def embedding_of(picture, backend):
    return torch.from_numpy(backend.embed(picture, backend.detect(picture, 40)[0]).vector)


@pytest.fixture(scope="module")
def loss(vae):
    return IdentityLoss(vae, FaceLoss(dlib_folder()))


def test_the_truth_is_near_to_the_person_and_what_is_blurred_is_not(example, loss):
    right = loss(example, example.target)
    wrong = loss(example, example.target + 0.8 * torch.randn(example.target.shape, generator=torch.Generator().manual_seed(1)))
    assert right < 0.12
    assert wrong > right + 0.1


def test_it_is_whoever_is_to_be_shown_that_counts_and_without_anybody_nobody_looks(example, backend, loss):
    faces = [example.shown, embedding_of(somebody_else(), backend)[None], torch.zeros_like(example.shown)]
    (together,) = stacked([replace(example, shown=face) for face in faces])
    own, another, nobody = loss(together, together.target)
    torch.testing.assert_close(own, loss(example, example.target)[0], atol=1e-5, rtol=1e-5)
    assert another > own + 0.05
    assert nobody == 0


def test_losses_lie_where_the_guess_does_whoever_computes_them(example):
    """dlib's are computed on the CPU, and those of nobody by nobody: on a GPU they have to come together."""

    class Elsewhere(IdentityLoss):
        def _decoded(self, latents):
            return torch.empty(len(latents), 3, 1, 8, 8, device="meta")

    loss = Elsewhere(None, lambda *given: (torch.zeros(()), torch.zeros(())))
    (together,) = stacked([example, replace(example, shown=torch.zeros_like(example.shown))])
    assert loss(together, together.target.to("meta")).device.type == "meta"


def test_it_depends_on_the_examples_own_chance_alone(example, loss):
    first, again = (loss(example, example.target).item() for _ in range(2))
    assert first == again
    assert loss(replace(example, chance=(example.chance[0] + 1,)), example.target).item() != first


def test_items_together_lose_what_they_lose_alone(example, loss):
    other = replace(example, sigma=torch.tensor([0.3]), landmarks=example.landmarks + 1, chance=(7,))
    (both,) = stacked([example, other])
    alone = torch.cat([loss(each, 0.9 * each.target) for each in (example, other)])
    torch.testing.assert_close(loss(both, 0.9 * both.target), alone, atol=1e-5, rtol=1e-5)


def test_its_gradient_leads_the_guess_to_the_person(example, loss, vae):
    away = example.target + 0.5 * torch.randn(example.target.shape, generator=torch.Generator().manual_seed(1))
    velocity = away.clone().requires_grad_()
    before = loss(example, velocity)
    (slope,) = torch.autograd.grad(before.sum(), velocity)
    assert loss(example, away - 2 * slope / slope.norm()) < before - 0.01
    assert not any(parameter.requires_grad for parameter in vae.parameters())


def test_items_that_are_decoded_again_for_the_gradient_give_the_same(example, loss, vae):
    again = IdentityLoss(vae, FaceLoss(dlib_folder()), checkpointing=True)
    two = stacked([example, replace(example, chance=(7,))])[0]
    velocity = two.target.clone().requires_grad_()
    losses, same = loss(two, velocity), again(two, velocity)
    np.testing.assert_allclose(same.detach(), losses.detach(), atol=1e-5)
    slopes = [torch.autograd.grad(values.sum(), velocity)[0] for values in (losses, same)]
    np.testing.assert_allclose(slopes[1], slopes[0], atol=1e-5)


def test_a_reference_in_front_is_not_looked_at(example, loss):
    def in_front(values, fill):
        return torch.cat([torch.full_like(values[:, :, :1], fill), values], dim=2)

    longer = replace(example, latents=in_front(example.latents, 3.0), target=in_front(example.target, -2.0))
    np.testing.assert_allclose(loss(longer, longer.target).item(), loss(example, example.target).item(), atol=1e-5)


def test_what_single_frames_do_not_need_changes_nothing_in_them(example, vae):
    smaller = for_single_frames(load_vae(ASSETS / "tiny", torch.device("cpu")))
    sizes = [sum(p.numel() for p in model.decoder.parameters()) for model in (smaller, vae)]
    assert sizes[0] < 0.5 * sizes[1]
    np.testing.assert_allclose(smaller.decode(example.latents).sample, vae.decode(example.latents).sample, atol=1e-5)
