"""The last trainings: decoder and transformer learn to show faces that the recogniser knows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.dlib_network import aligned
from facedance.faces.face_loss import FaceLoss
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.sample.traits import generator
from facedance.wan.load import load_vae
from lab.tests.tiny_world import FACE, INACTIVE, RECIPE, random_prompts, random_world
from lab.tiny import decoder, faces
from lab.tiny.batches import HEADS, Kind, draw_batch
from lab.tiny.decoder import picture_error, refine_decoder
from lab.tiny.faces import refine_transformer
from lab.tiny.fast_vae import decode, encode, from_bytes
from lab.tiny.landmarks import face_landmarks
from lab.tiny.model import SPATIAL_FACTOR
from lab.tiny.pixels import Pixels, make_pixels
from lab.tiny.recipe import TinyDecoding
from lab.tiny.transformer import new_model
from lab.world.scene import dance
from lab.world.split import training_identity, training_moves
from tests.faces.people import dlib_folder

ASSETS = Path(__file__).parents[2] / "assets"
GOES = [TinyDecoding(steps=40, rate=0.25), TinyDecoding(steps=10, rate=0.1)]


@pytest.fixture(scope="module")
def backend():
    return DlibBackend(dlib_folder())


@pytest.fixture(scope="module")
def face_loss():
    return FaceLoss(dlib_folder())


@pytest.fixture(scope="module")
def pixels(tmp_path_factory, backend):
    path = tmp_path_factory.mktemp("pixels") / "000.safetensors"
    make_pixels(path, range(2), backend, 128, seed=0)
    return path


@pytest.fixture(scope="module")
def scene():
    name, traits = training_identity(0, 0)
    rng = generator(f"scene of {name}", 0)
    return dance(dressed(person(traits), rng), training_moves(), 4, 128, rng)


def test_landmarks_are_those_of_the_faces_in_the_heads(scene, backend):
    found = face_landmarks(scene, backend)
    assert found.shape == (4, 5, 2)
    assert np.isfinite(found).all()
    assert (found > scene.heads[:, None, :2]).all()
    assert (found < scene.heads[:, None, 2:]).all()
    right_of_nose, left_of_nose = found[:, :2, 0].mean(1), found[:, 2:4, 0].mean(1)
    assert (right_of_nose > found[:, 4, 0]).all()
    assert (left_of_nose < found[:, 4, 0]).all()
    grey = replace(scene, large=np.full_like(scene.large, 127))
    assert np.isnan(face_landmarks(grey, backend)).all()
    outside = replace(scene, heads=scene.heads + 500)
    assert np.isnan(face_landmarks(outside, backend)).all()


def test_landmarks_move_with_the_window_around_the_head():
    world = random_world()
    batch = draw_batch(
        world, random_prompts(), INACTIVE, HEADS, people=4, estimated=0, head_weight=4.0, dropout=0,
        random=torch.Generator().manual_seed(0),
    )  # fmt: skip
    moved = FACE - batch.landmarks[:, 0]
    assert (moved == moved[:, :1]).all(), "all five by the same"
    assert (moved % SPATIAL_FACTOR == 0).all()
    assert moved.unique().numel() > 2
    heads = batch.weight[:, 0, 0] > 1  # (B, h, w)
    y, x = (batch.landmarks[:, 0, 4].flip(1) / SPATIAL_FACTOR).long().T
    assert heads[torch.arange(HEADS.size), y, x].all()


def test_a_face_is_near_to_itself_and_found(scene, backend, face_loss):
    frames, landmarks = (
        from_bytes(torch.from_numpy(scene.frames).permute(0, 3, 1, 2)),
        torch.from_numpy(face_landmarks(scene, backend)),
    )
    wanted = face_loss.embeddings(aligned(frames, landmarks))

    def errors(pictures):
        return [error.item() for error in face_loss(pictures, landmarks, wanted, torch.Generator().manual_seed(0))]

    identity, missed = errors(frames)
    blurred_identity, blurred_missed = errors(torch.nn.functional.avg_pool2d(frames, 9, 1, 4))
    assert identity < 0.06 < blurred_identity
    assert missed < blurred_missed - 0.2
    nobody = face_loss(frames[:0], landmarks[:0], wanted[:0], torch.Generator())
    assert [error.item() for error in nobody] == [0, 0]


def test_what_the_recogniser_sees_is_the_face_alone(scene, backend, face_loss):
    frames = from_bytes(torch.from_numpy(scene.frames).permute(0, 3, 1, 2)).requires_grad_()
    landmarks = torch.from_numpy(face_landmarks(scene, backend))
    wanted = torch.nn.functional.normalize(torch.randn(4, 128, generator=torch.Generator().manual_seed(0)), dim=1)
    torch.stack(face_loss(frames, landmarks, wanted, torch.Generator().manual_seed(0))).sum().backward()
    for slope, points in zip(frames.grad.abs().sum(1), landmarks, strict=True):
        (x, y), reach = points.mean(0).int().tolist(), 40
        inside = slope[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach].sum()
        assert inside > 0
        assert inside == pytest.approx(slope.sum().item())


def test_guesses_come_to_look_like_the_person_and_an_interruption_changes_nothing(tmp_path, monkeypatch, face_loss):
    heads, clips = (Kind(size, moving, frames, True, False) for size, moving, frames in ((6, False, 1), (2, True, 2)))
    stills = Kind(size=2, clips=False, frames=1, heads=False, reference=True)
    monkeypatch.setattr(faces, "KINDS", (heads, clips, heads, stills))
    monkeypatch.setattr(faces, "CHECKPOINT_EVERY", 4)
    monkeypatch.setattr(faces, "RATE_SHARE", 0.5)
    monkeypatch.setattr(
        faces, "batch_rng", lambda seed, step: torch.Generator().manual_seed(step % 4)
    )  # four batches, again and again
    world, prompts = random_world(), random_prompts()
    vae = load_vae(ASSETS / "tiny", torch.device("cpu"))

    def refine(folder):
        model, branch = new_model(RECIPE, world, 0)
        losses = refine_transformer(
            model, branch, vae, face_loss, world, prompts, INACTIVE, RECIPE,
            steps=12, seed=0, state=tmp_path / folder, compiled=False,
        )  # fmt: skip
        return {**model.state_dict(), **branch.state_dict()}, losses

    weights, losses = refine("whole")
    draw, calls = faces.draw_batch, []

    def killed(*args, **kwargs):
        calls.append(args)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return draw(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(faces, "draw_batch", killed)
        with pytest.raises(KeyboardInterrupt):
            refine("killed")
    resumed, again = refine("killed")
    assert again.equals(losses)
    assert all(torch.equal(value, resumed[name]) for name, value in weights.items())
    assert losses["identity"].isna().sum() == 3, "whole pictures have none"
    assert (losses["identity"][-4:].dropna().to_numpy() < losses["identity"][:4].dropna().to_numpy()).all()


def test_an_error_in_the_head_counts_more():
    video, heads = torch.zeros(1, 3, 1, 64, 64), torch.tensor([[[16.0, 16.0, 32.0, 32.0]]])
    inside, outside = video.clone(), video.clone()
    inside[..., 16:32, 16:32], outside[..., 32:48, 32:48] = 0.5, 0.5
    assert picture_error(video, video, heads) == 0
    ratio = picture_error(inside, video, heads) / picture_error(outside, video, heads)
    share = (16 / 64) ** 2
    # The whole weight is 1 + HEAD_WEIGHT, and edges of the patch lie partly outside.
    assert 0.7 * (1 + decoder.HEAD_WEIGHT / share) < ratio < 1 + decoder.HEAD_WEIGHT / share


def faded():
    """The tiny VAE with a decoder that gives half of the contrast."""
    vae = load_vae(ASSETS / "tiny", torch.device("cpu"))
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(0.5)
        vae.decoder.conv_out.bias.mul_(0.5)
    return vae


def test_the_decoder_learns_goes_on_where_it_was_stopped_and_leaves_the_latents_alone(pixels, face_loss, tmp_path, monkeypatch):
    monkeypatch.setattr(decoder, "FRAMES", 2)
    monkeypatch.setattr(decoder, "CHECKPOINT_EVERY", 8)

    def refine(folder, kill_after=None):
        vae, held = faded(), Pixels([pixels])
        if kill_after:
            draw, calls = held.dances, []

            def killed(*args):
                calls.append(args)
                if len(calls) > kill_after:
                    raise KeyboardInterrupt
                return draw(*args)

            monkeypatch.setattr(held, "dances", killed)
        return vae, refine_decoder(vae, face_loss, held, GOES, seed=0, state=folder)

    vae, losses = refine(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        refine(tmp_path / "killed", kill_after=12)
    resumed, again = refine(tmp_path / "killed")
    assert again.equals(losses)
    untrained = faded()
    video, heads, landmarks = Pixels([pixels]).dances(8, np.random.default_rng(0))
    assert landmarks.shape == (8, 1, 5, 2)
    with torch.no_grad():
        errors = [picture_error(decode(net, encode(net, video)[0]), video, heads).item() for net in (untrained, vae)]
    assert errors[1] < 0.95 * errors[0]
    before = dict(untrained.named_parameters())
    for name, value in vae.named_parameters():
        assert torch.equal(value, resumed.get_parameter(name)), name
        learns = name.startswith(("decoder.", "post_quant_conv."))
        assert torch.equal(value, before[name]) is not learns, name
