"""The recogniser's student and the decoder that it teaches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.tiny import decoder, sightings
from facedance.tiny.decoder import picture_error, refine_decoder
from facedance.tiny.fast_vae import decode, encode
from facedance.tiny.pixels import Pixels, make_pixels
from facedance.tiny.sightings import SIDE, head_crops, read_sightings, see_heads
from facedance.tiny.student import Student, explained, identity_error, load_student, save_student, train_student
from facedance.wan.load import load_vae
from tests.unit.faces_people import dlib_folder

DIMENSION = 8
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
    see_heads(pixels, None, DlibBackend(dlib_folder()), 0, tmp_path / "heads.safetensors")
    seen = read_sightings([tmp_path / "heads.safetensors"])
    assert len(seen["drawn"]) == len(seen["decoded_embedding"]) > sightings.FRAMES
    distances = (seen["drawn_embedding"] - seen["decoded_embedding"]).norm(dim=1)
    same = (seen["drawn"] == seen["decoded"]).flatten(1).all(1)  # where no noise was added
    assert 0 < same.sum() < len(same)
    assert distances[same].max() == 0
    assert distances[~same].min() > 0


def lit(count, seed):
    """Heads of which a recogniser sees nothing but how bright they are, in a direction of its own, and darker when decoded."""
    random = torch.Generator().manual_seed(seed)
    light = torch.rand(count, generator=random)
    direction = torch.randn(DIMENSION, generator=torch.Generator().manual_seed(9))
    pictures = {"drawn": light, "decoded": 0.8 * light}
    crops = {name: (value * 255).byte().view(-1, 1, 1, 1).repeat(1, 3, SIDE, SIDE) for name, value in pictures.items()}
    return crops | {f"{name}_embedding": value[:, None] * direction for name, value in pictures.items()}


def test_a_student_learns_what_the_recogniser_sees(tmp_path):
    student, losses = train_student(lit(200, seed=0), steps=60, seed=0)
    assert list(losses["step"]) == list(range(1, 61))
    others = lit(50, seed=1)
    save_student(student, tmp_path / "student.safetensors")
    frozen = load_student(tmp_path / "student.safetensors")
    with torch.no_grad():
        guessed = frozen(others["decoded"].float() / 127.5 - 1)
    error = (guessed - others["decoded_embedding"]).square().sum(1).mean()
    spread = (others["decoded_embedding"] - others["decoded_embedding"].mean(0)).square().sum(1).mean()
    assert error < 0.3 * spread
    assert explained(others, frozen) > 0.7
    unchanged = others | {"decoded": others["drawn"]}
    assert explained(unchanged, frozen) == pytest.approx(0, abs=1e-4)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_identity_error_looks_at_heads_alone():
    torch.manual_seed(0)
    student, heads = Student(DIMENSION).eval(), torch.tensor([[[20.0, 20.0, 60.0, 60.0]]])
    video = torch.rand(1, 3, 1, 128, 128) * 2 - 1
    decoded, random = video.clone().requires_grad_(), torch.Generator().manual_seed(0)
    assert identity_error(student, decoded, video, heads, random).item() == 0
    changed = decoded + 0.1 * torch.rand(decoded.shape)
    identity_error(student, changed, video, heads, random).backward()
    inside = torch.zeros(128, 128, dtype=torch.bool)
    inside[5:75, 5:75] = True
    assert decoded.grad[..., inside].abs().sum() > 0
    assert decoded.grad[..., ~inside].abs().sum() == 0


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
        return vae, refine_decoder(vae, student, held, steps=50, seed=0, state=folder)

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
