"""The recogniser's student and the decoder that it teaches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.job import InputError
from facedance.tiny import decoder, sightings
from facedance.tiny import student as student_module
from facedance.tiny.decoder import picture_error, refine_decoder
from facedance.tiny.fast_vae import decode, encode
from facedance.tiny.pixels import Pixels, make_pixels
from facedance.tiny.recipe import TinyDecoding
from facedance.tiny.sightings import LEAST_SCORE, SIDE, head_crops, read_sightings, save_sightings, see_heads
from facedance.tiny.student import Student, explained, face_error, load_student, save_student, train_student
from facedance.wan.load import load_vae
from tests.unit.faces_people import dlib_folder

DIMENSION = 8
GOES = [TinyDecoding(steps=40, rate=0.25), TinyDecoding(steps=10, rate=0.1)]
ASSETS = Path(__file__).parents[2] / "assets"


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "000.safetensors"
    make_pixels(path, range(2), 128, seed=0)
    return path


def test_a_crop_shows_the_head_and_a_little_around_it():
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    video = torch.stack([x, y, torch.zeros(128, 128)])[None, :, None]
    crops = head_crops(video, torch.tensor([[[30.0, 50.0, 62.0, 82.0]]]))
    assert crops.shape == (1, 3, SIDE, SIDE)
    side = 32 * 1.2
    expected = 46 - 0.5 - side / 2 + side * (torch.arange(SIDE) + 0.5) / SIDE  # pixel 0 has its middle at a half
    torch.testing.assert_close(crops[0, 0], expected.expand(SIDE, SIDE), rtol=0, atol=1e-3)
    torch.testing.assert_close(crops[0, 1], (expected + 20)[:, None].expand(SIDE, SIDE), rtol=0, atol=1e-3)


def test_the_recogniser_sees_each_head_before_and_after_the_vae(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(sightings, "decode", lambda vae, latents: latents)
    monkeypatch.setattr(sightings, "encode", lambda vae, video: (video, None))
    save_sightings(see_heads(pixels, None, DlibBackend(dlib_folder(), LEAST_SCORE), 0), tmp_path / "heads.safetensors")
    seen = read_sightings([tmp_path / "heads.safetensors"])
    assert len(seen["before"]) == len(seen["after_embedding"]) == 2 * sightings.FRAMES
    distances = (seen["before_embedding"] - seen["after_embedding"]).norm(dim=1)
    same = (seen["before"] == seen["after"]).flatten(1).all(1)  # where no noise was added
    assert 0 < same.sum() < len(same)
    assert distances[same].nan_to_num().max() == 0
    assert distances[~same & distances.isfinite()].min() > 0
    assert (seen["before_score"] > 0).float().mean() > 0.8, "drawn faces are found"


def test_a_head_without_a_face_has_the_least_score_and_no_embedding():
    grey = torch.zeros(1, 3, 1, 128, 128)
    seen = sightings.sightings(grey, grey, torch.tensor([[[40.0, 40.0, 72.0, 72.0]]]), DlibBackend(dlib_folder(), LEAST_SCORE))
    assert seen["before_embedding"].isnan().all()
    assert seen["after_score"].tolist() == [LEAST_SCORE]


def lit(count, seed):
    """Heads of which a recogniser sees nothing but how bright they are, in a direction of its own, and darker afterwards.

    Dark ones it does not see at all.
    """
    random = torch.Generator().manual_seed(seed)
    light = torch.rand(count, generator=random)
    direction = torch.randn(DIMENSION, generator=torch.Generator().manual_seed(9))
    rows = {}
    for name, value in {"before": light, "after": 0.8 * light}.items():
        rows[name] = (value * 255).byte().view(-1, 1, 1, 1).repeat(1, 3, SIDE, SIDE)
        rows[f"{name}_embedding"] = torch.where(value[:, None] > 0.1, value[:, None] * direction, torch.nan)
        rows[f"{name}_score"] = 2 * value - 1
    return rows


@pytest.fixture
def few_pairs(monkeypatch):
    monkeypatch.setattr(student_module, "BATCH", 8)


def test_a_student_learns_what_the_recogniser_sees(tmp_path, few_pairs):
    student, losses = train_student([lit(200, seed=0), lit(80, seed=2)], steps=80, seed=0)
    assert list(losses["step"]) == list(range(1, 81))
    assert losses["loss"].notna().all()
    others = lit(50, seed=1)
    save_student(student, tmp_path / "student.safetensors")
    frozen = load_student(tmp_path / "student.safetensors")
    look = frozen.look(others["after"].float() / 127.5 - 1)
    known = others["after_embedding"].isfinite().all(1)
    wanted = others["after_embedding"][known]
    error = (look.embedding[known] - wanted).square().sum(1).mean()
    assert error < 0.3 * (wanted - wanted.mean(0)).square().sum(1).mean()
    change, score = explained(others, frozen)
    assert change > 0.7
    assert score > 0.7
    unchanged, _ = explained(others | {"after": others["before"]}, frozen)
    assert unchanged == pytest.approx(0, abs=1e-4)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_without_any_face_there_is_nothing_to_learn():
    dark = lit(20, seed=0)
    dark["before_embedding"][:] = torch.nan
    with pytest.raises(InputError, match="a face in none of 19 heads"):
        train_student([dark], steps=1, seed=0)


def test_face_error_looks_at_heads_alone_and_at_those_that_count():
    torch.manual_seed(0)
    student, heads = Student(DIMENSION).eval(), torch.tensor([[[20.0, 20.0, 60.0, 60.0]]]).repeat(2, 1, 1)
    before = torch.rand(2, 3, 1, 128, 128) * 2 - 1
    counts, random = torch.tensor([[1.0], [0.0]]), torch.Generator().manual_seed(0)
    assert [error.item() for error in face_error(student, before, before, heads, counts, random)] == [0, 0]
    after = (before + 0.1 * torch.rand(before.shape)).requires_grad_()
    identity, _ = face_error(student, after, before, heads, counts, random)
    identity.backward()
    inside = torch.zeros(128, 128, dtype=torch.bool)
    inside[5:75, 5:75] = True
    assert after.grad[0][..., inside].abs().sum() > 0
    assert after.grad[0][..., ~inside].abs().sum() == 0
    assert after.grad[1].abs().sum() == 0
    assert [error.item() for error in face_error(student, after, before, heads, 0 * counts, random)] == [0, 0]


def test_a_face_that_is_found_less_surely_is_missed_and_one_found_more_surely_is_not(few_pairs):
    student, _ = train_student([lit(200, seed=0)], steps=80, seed=0)
    light, dark = (torch.full((1, 3, 1, 96, 96), value) for value in (0.6, -0.6))
    heads, random = torch.tensor([[[20.0, 20.0, 60.0, 60.0]]]), torch.Generator().manual_seed(0)
    _, missed = face_error(student, dark, light, heads, torch.ones(1, 1), random)
    _, found = face_error(student, light, dark, heads, torch.ones(1, 1), random)
    assert missed > 0.5
    assert found == 0


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


def test_the_decoder_learns_goes_on_where_it_was_stopped_and_leaves_the_latents_alone(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(decoder, "FRAMES", 2)
    monkeypatch.setattr(decoder, "CHECKPOINT_EVERY", 8)

    def refine(folder, kill_after=None):
        torch.manual_seed(0)
        vae, student, held = faded(), Student(DIMENSION).eval().requires_grad_(False), Pixels([pixels])
        if kill_after:
            draw, calls = held.dances, []

            def killed(*args):
                calls.append(args)
                if len(calls) > kill_after:
                    raise KeyboardInterrupt
                return draw(*args)

            monkeypatch.setattr(held, "dances", killed)
        return vae, refine_decoder(vae, student, held, GOES, seed=0, state=folder)

    vae, losses = refine(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        refine(tmp_path / "killed", kill_after=12)
    resumed, again = refine(tmp_path / "killed")
    assert again.equals(losses)
    untrained = faded()
    video, heads = Pixels([pixels]).dances(8, np.random.default_rng(0))
    with torch.no_grad():
        errors = [picture_error(decode(net, encode(net, video)[0]), video, heads).item() for net in (untrained, vae)]
    assert errors[1] < 0.95 * errors[0]
    before = dict(untrained.named_parameters())
    for name, value in vae.named_parameters():
        assert torch.equal(value, resumed.get_parameter(name)), name
        learns = name.startswith(("decoder.", "post_quant_conv."))
        assert torch.equal(value, before[name]) is not learns, name
