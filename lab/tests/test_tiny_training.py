"""Training the tiny model from nothing: it learns, equal seeds give equal weights, and an interruption changes nothing."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from facedance.config import params
from facedance.config.texts import render_texts
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from lab.tests.tiny_world import INACTIVE, RECIPE, SIDE, random_prompts, random_world
from lab.tiny import transformer
from lab.tiny.batches import CLIPS, HEAD, HEADS, NEGATIVE, REFERENCE_CLIPS, batch_rng, draw_batch
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR
from lab.tiny.pixels import CROP, CROPS, FRAMES, WHOLE, Pixels
from lab.tiny.recipe import TinyRound, people_of
from lab.tiny.transformer import EARLY_PEOPLE, kind_of, rate_factor, round_of, train_transformer
from lab.tiny.vae import standardise, train_vae
from lab.tiny.world_latents import World
from lab.world.split import training_identity
from lab.world.words import BOTTOM_WORDS, PORTRAIT, TOP_WORDS, WALL_WORDS, describe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world():
    return random_world()


@pytest.fixture(scope="module")
def prompts():
    return random_prompts()


def batch(world, prompts, kind, people=4, seed=0, estimated=0.0, body_weight=0.0):
    return draw_batch(
        world,
        prompts,
        INACTIVE,
        kind,
        people=people,
        estimated=estimated,
        head_weight=4.0,
        dropout=0.5,
        random=batch_rng(seed, 1),
        body_weight=body_weight,
    )


def test_a_batch_has_the_shape_of_its_kind(world, prompts):
    heads, clips, with_reference = (batch(world, prompts, kind) for kind in (HEADS, CLIPS, REFERENCE_CLIPS))
    assert heads.latents.shape == (HEADS.size, LATENT_CHANNELS, 1, HEAD, HEAD)
    assert clips.control.shape == (CLIPS.size, 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2, CLIPS.frames, SIDE, SIDE)
    assert with_reference.latents.shape == (REFERENCE_CLIPS.size, LATENT_CHANNELS, REFERENCE_CLIPS.frames + 1, SIDE, SIDE)
    assert not with_reference.control[:, LATENT_CHANNELS:, 0].any()  # as VACE lays a reference out
    assert heads.weight.max() == 5
    assert set(heads.scale.tolist()) == {0.0, 1.0}


def test_noise_and_target_say_where_the_latents_were(world, prompts):
    drawn = batch(world, prompts, CLIPS)
    level = drawn.sigma.reshape(-1, 1, 1, 1, 1)
    clean = drawn.latents - level * drawn.target  # x = x0 + sigma (noise - x0)
    known = world.tensors["clip/video"][:, :, : CLIPS.frames].float()
    for item in clean:
        assert min((item - other).abs().max().item() for other in known) < 1e-4


def test_so_many_poses_are_those_that_the_landmarker_sees(world, prompts):
    own, seen = (batch(world, prompts, CLIPS, estimated=share).control for share in (0.0, 1.0))
    pose = slice(LATENT_CHANNELS, 2 * LATENT_CHANNELS)  # between VACE's inactive half and the mask
    for control, name in ((own, "control"), (seen, "estimated")):
        known = world.tensors[f"clip/{name}"][:, :, : CLIPS.frames].float()
        assert all(any(torch.equal(item[pose], other) for other in known) for item in control), name


def test_where_the_pose_is_drawn_the_loss_counts_more(world, prompts):
    control = torch.full_like(world.tensors["clip/control"], -0.4)
    control[..., 9:12, 4:6] = 0.4
    drawn = World(world.tensors | {"clip/control": control}, world.prompts)
    more = batch(drawn, prompts, CLIPS, body_weight=3.0).weight - batch(drawn, prompts, CLIPS).weight
    expected = torch.zeros_like(more)
    expected[..., 8:13, 3:7] = 3  # and next to it
    assert torch.equal(more, expected)


def test_a_batch_shows_the_first_people_only(world, prompts):
    few = batch(world, prompts, HEADS, people=1)
    directions = world.tensors["embedding"][0].mean(0)
    assert (few.faces @ torch.nn.functional.normalize(directions, dim=0)).min() > 0.5


def test_equal_seeds_give_equal_weights_and_an_interruption_changes_nothing(world, prompts, tmp_path, monkeypatch):
    monkeypatch.setattr(transformer, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(transformer, "EARLY_STEPS", 2)
    for name in ("PICTURES", "MOVING"):
        few = tuple(replace(kind, size=min(kind.size, 2)) for kind in getattr(transformer, name))
        monkeypatch.setattr(transformer, name, few)

    def train(state):
        model, branch, losses = train_transformer(world, prompts, INACTIVE, RECIPE, seed=0, state=state, compiled=False)
        return {**model.state_dict(), **branch.state_dict()}, losses

    weights, losses = train(tmp_path / "whole")
    seen = []

    def killed(*args, **kwargs):
        seen.append((kwargs["people"], kwargs["estimated"]))
        if len(seen) == 6:
            raise KeyboardInterrupt
        return draw_batch(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(transformer, "draw_batch", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "killed")
    resumed, again = train(tmp_path / "killed")
    assert seen == [(EARLY_PEOPLE, 0), (EARLY_PEOPLE, 0), (3, 0), (3, 0), (4, 0.5), (4, 0.5)]
    assert again == losses
    assert len(losses) == 6
    for name, value in weights.items():
        assert torch.equal(value, resumed[name]), name


def test_schedule():
    assert [kind_of(RECIPE, step).clips for step in (1, 2)] == [False, False]
    assert any(kind_of(RECIPE, step).clips for step in range(3, 12))
    long = TinyRound(people=4, estimated=0, steps=1000, decay=100)
    assert [rate_factor(long, step) for step in (25, 50, 900, 950, 1000)] == [0.5, 1, 1, 0.5, 0]
    first, second = RECIPE.rounds
    assert [round_of(RECIPE, step) for step in (1, 4, 5, 6)] == [(first, 1), (first, 4), (second, 1), (second, 2)]
    with pytest.raises(ValueError, match="1 steps more than the rounds' 6"):
        round_of(RECIPE, 7)


def test_the_vae_learns_goes_on_and_knows_the_spread_of_its_latents(tmp_path):
    rng = np.random.default_rng(0)
    base = rng.integers(0, 255, (2, 1, 2, 2, 3), dtype=np.uint8).repeat(64, 2).repeat(64, 3)
    pictures = torch.from_numpy(base.repeat(FRAMES, 1))  # (2, T, 128, 128, 3) large squares
    heads = torch.tensor([30.0, 20.0, 90.0, 80.0]).expand(2, FRAMES, 4)
    save_file(
        {"clips": pictures, "controls": pictures.clone(), "photos": pictures[:, :1].clone(), "heads": heads.contiguous()},
        tmp_path / "pixels.safetensors",
    )
    pixels = Pixels([tmp_path / "pixels.safetensors"])
    assert pixels.crops(rng).shape == (CROPS, 3, 1, CROP, CROP)
    assert pixels.whole(rng).shape == (WHOLE, 3, 1, 128, 128)
    shorter, _ = train_vae(pixels, steps=24, decoder_steps=2, seed=0, state=tmp_path / "state")
    vae, losses = train_vae(pixels, steps=24, decoder_steps=8, seed=0, state=tmp_path / "state")
    assert list(losses["step"]) == list(range(1, 33))
    assert losses["loss"][31] < 0.8 * losses["loss"][2]
    for part, same in (("encoder", True), ("quant_conv", True), ("decoder", False)):
        pairs = zip(getattr(shorter, part).parameters(), getattr(vae, part).parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs) is same, part
    standardise(vae, pixels, batches=2, seed=0)
    assert len(vae.config.latents_mean) == LATENT_CHANNELS
    assert min(vae.config.latents_std) > 0
    video = pixels.crops(rng)[:2].transpose(0, 2)  # of two frames, of which neither knows the other
    with torch.no_grad():
        together, alone = vae.encode(video).latent_dist.mean, vae.encode(video[:, :, :1]).latent_dist.mean
    torch.testing.assert_close(together[:, :, :1], alone)


def test_people_are_dealt_out_evenly():
    parts = [people_of(part, 4, 20) for part in range(4)]
    assert [i for part in parts for i in part] == list(range(20))
    with pytest.raises(ValueError, match="21 people in 4 parts"):
        people_of(0, 4, 21)


def test_the_sample_says_what_the_model_has_learned_to_hear():
    said = render_texts(params.load(ROOT / "params.yaml"), "eileen")
    known = {
        f"a person in a {top} top and {bottom} trousers dancing before a {wall} wall"
        for top, bottom, wall in itertools.product(TOP_WORDS, BOTTOM_WORDS, WALL_WORDS)
    }
    who = dressed(person(training_identity(0, 0)[1]), np.random.default_rng(0))
    assert describe(who) in known
    assert said["dance"] in known
    assert (said["portrait"], said["negative"]) == (PORTRAIT, NEGATIVE)
