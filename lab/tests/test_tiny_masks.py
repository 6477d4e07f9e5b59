"""The tiny model learns masks: they are laid out as diffusers' pipeline does it, and each kind of example has its share."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from diffusers import WanVACEPipeline

from facedance.faces.face_loss import FaceLoss
from facedance.sample.dancer import dressed
from facedance.sample.person import person
from facedance.wan.load import know_vae, latent_statistics, load_vae
from lab.tests.tiny_world import INACTIVE, RECIPE, SIDE, random_mask_world, random_prompts
from lab.tiny import masks
from lab.tiny.batches import Kind, batch_rng
from lab.tiny.conditions import continued, masked_control, with_references
from lab.tiny.fast_transformer import Text, base_block, control_block, predict
from lab.tiny.mask_batches import GIVEN, KINDS, MaskKind, draw_masked, kind_of
from lab.tiny.mask_world import shares
from lab.tiny.masks import train_masks
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR, new_transformer
from lab.tiny.pose_loss import PoseLoss
from lab.tiny.recipe import TinyMaskRound, TinyMasks, TinyMaskWorld, TinySizeWorld
from lab.tiny.size_world import built
from lab.tiny.transformer import new_model
from lab.tiny.wide import wide_scenes
from lab.world.duet import duet
from lab.world.regions import boxes_mask, close_up, given_first, head_region
from lab.world.scene import dance, uncertain
from lab.world.split import training_identity, training_moves
from tests.faces.people import dlib_folder

ASSETS = Path(__file__).parents[2] / "assets"
FRAMES, PIXELS = 9, 32
STILL = Kind(size=1, clips=False, frames=1, heads=False, reference=True)
PLAIN = {"decay": 2, "rate": 0.2, "motion": 0.0, "body": 4.0, "pose": 0.0, "lengths": 0.0, "told": 1.0, "drifted": 0.0}
LATER = {"motion": 1.0, "pose": 1.0, "lengths": 2.0, "told": 0.5, "drifted": 0.3}
MASKS = TinyMasks(
    world=TinyMaskWorld(seed=0, side=128, frames=17, short=9, parts=1, people=4, dancers=2, estimated=0.5),
    sizes=TinySizeWorld(seed=0, side=128, frames=17, parts=1, people=4),
    rounds=(
        TinyMaskRound(shares={"before": 1, "going": 1, "close": 1, "duet": 1}, steps=4, **PLAIN),
        TinyMaskRound(shares={"going": 1}, steps=3, **PLAIN | {"decay": 1} | LATER),
    ),
    halved=1,
    ema=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def vae():
    return load_vae(ASSETS / "tiny", torch.device("cpu"))


@pytest.fixture(scope="module")
def pipeline(vae):
    with torch.device("meta"):
        transformer = new_transformer()
    built = WanVACEPipeline(tokenizer=None, text_encoder=None, vae=vae, scheduler=None, transformer=transformer)
    know_vae(built)
    return built


@pytest.fixture(scope="module")
def world():
    return random_mask_world()


@pytest.fixture(scope="module")
def prompts():
    return random_prompts()


def pictures(seed, count=FRAMES):
    return np.random.default_rng(seed).integers(0, 256, (count, PIXELS, PIXELS, 3), dtype=np.uint8)


@torch.no_grad()
def as_the_pipeline(pipeline, video, mask, references):
    """Its control (1, c, R + T', h, w) of pictures, a mask (T, H, W) and reference pictures."""
    shown = [[PIL.Image.fromarray(picture) for picture in references]] if len(references) else None
    video, mask, images = pipeline.preprocess_conditions(
        [PIL.Image.fromarray(picture) for picture in video],
        [PIL.Image.fromarray(np.repeat(255 * part[..., None].astype(np.uint8), 3, 2)) for part in mask],
        shown, 1, PIXELS, PIXELS, FRAMES, torch.float32, torch.device("cpu"),
    )  # fmt: skip
    latents = pipeline.prepare_video_latents(video, mask, images, None, torch.device("cpu"))
    return torch.cat([latents, pipeline.prepare_masks(mask, images, None)], dim=1)


def encoder(pipeline):
    """Normalised latents of videos in [-1, 1], by diffusers' own VAE."""
    mean, std = latent_statistics(pipeline.vae)

    @torch.no_grad()
    def encode(video):
        return (pipeline.vae.encode(video).latent_dist.mode()[0] - mean) * (1.0 / std)

    return encode


def pixels(pipeline, frames):
    return pipeline.video_processor.preprocess_video([PIL.Image.fromarray(frame) for frame in frames], PIXELS, PIXELS)


@pytest.mark.parametrize(("given", "references"), [(1, 0), (5, 1), (5, 2)])
def test_a_clip_that_goes_on_is_laid_out_as_the_pipeline_does_it(pipeline, given, references):
    video, pose, shown = pictures(0), pictures(1), pictures(2, references)
    expected = as_the_pipeline(pipeline, np.concatenate([video[:given], pose[given:]]), given_first(FRAMES, given, PIXELS), shown)
    encode = encoder(pipeline)
    idle = encode(torch.zeros(1, 3, FRAMES, PIXELS, PIXELS))
    control = continued(encode(pixels(pipeline, video))[None], encode(pixels(pipeline, pose))[None], idle, given)
    latents = [encode(pixels(pipeline, picture[None]))[None] for picture in shown]
    assert torch.equal(with_references(control, latents), expected)


def test_a_region_is_laid_out_as_the_pipeline_does_it(pipeline):
    mask = boxes_mask(np.linspace([12, 14], [17, 11], FRAMES), np.array([11.0, 15]), PIXELS)
    mixed = np.where(mask[..., None], pictures(1), pictures(0))
    control = masked_control(encoder(pipeline), pixels(pipeline, mixed), torch.from_numpy(mask))
    assert torch.equal(control[None], as_the_pipeline(pipeline, mixed, mask, []))


def test_kinds_have_their_shares_spread_evenly():
    asked = {"before": 4, "long": 2, "going": 3, "region": 1}
    kinds = [kind_of(asked, step) for step in range(1, 101)]
    assert {name: sum(kind == name for kind, _ in kinds) for name in asked} == {n: 10 * share for n, share in asked.items()}
    for name, share in asked.items():
        assert [count for kind, count in kinds if kind == name] == list(range(10 * share)), "counted one by one"
    assert {kind for kind, _ in kinds[50:60]} == set(asked)


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_has_what_its_kind_says(world, prompts, name):
    kind = KINDS[name]
    drawn = [draw_masked(world, prompts, INACTIVE, kind, RECIPE, MASKS.rounds[0], batch_rng(0, step)) for step in range(8)]
    before = {batch.latents.shape[2] - kind.frames for batch in drawn}
    assert before <= {"clip": {0, 1, 2}, "size": {0, 1, 2}, "duet": {0, 2}, "wide": {0, 1, 2, 3}}.get(kind.source, {0, 1})
    assert (len(before) > 1) is not kind.heads
    for batch in drawn:
        first = batch.latents.shape[2] - kind.frames
        assert not batch.control[:, LATENT_CHANNELS:, :first].any(), "references are nothing to make"
        assert torch.isfinite(batch.latents).all()
        channels = batch.control[:, -(SPATIAL_FACTOR**2) :, first:]
        assert batch.control.shape[1] == 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2
        made = channels.mean(1)  # (B, T', h, w)
        if kind.source in ("clip", "size"):
            given = int((made[0, :, 0, 0] == 0).sum())
            assert given in (GIVEN if kind.source == "clip" else (0, *GIVEN))
            assert not made[:, :given].any()
            assert made[:, given:].all()
            assert batch.landmarks[:, first : first + given].isnan().all()
        elif kind.source == "wide":
            assert batch.latents.shape[-1] == 2 * SIDE - 2, "each clip without a column where they meet"
            assert int((made[0, :, 0, 0] == 0).sum()) in (0, *GIVEN)
            assert batch.faces.shape[1] == 2
        elif kind.source == "duet":
            assert made.all()
            assert set(batch.scale.unique().tolist()) <= {0, 1}, "each in its half, or dropped"
            assert batch.scale.sum(1).max() == 1
        else:
            assert 0 < made.mean() < 1


def test_given_frames_are_the_clips_own_or_a_little_rougher(world, prompts):
    kind = replace(KINDS["going"], size=16)
    batch = draw_masked(world, prompts, INACTIVE, kind, RECIPE, MASKS.rounds[0], batch_rng(0, 0))
    first = batch.latents.shape[2] - kind.frames
    clean = (batch.latents - batch.sigma.reshape(-1, 1, 1, 1, 1) * batch.target)[:, :, first]
    away = (batch.control[:, :LATENT_CHANNELS, first] - clean).flatten(1).std(1)
    assert (away < 1e-5).any()
    assert (away > 0.01).any()
    assert away.max() < 0.11


def test_given_frames_that_drifted_come_with_an_anchor_and_with_what_they_should_be(world, prompts):
    kind = replace(KINDS["going"], size=16)
    phase = MASKS.rounds[0].model_copy(update={"drifted": 0.3})
    plain, drifted = [
        [draw_masked(world, prompts, INACTIVE, kind, RECIPE, part, batch_rng(0, step)) for step in range(8)]
        for part in (MASKS.rounds[0], phase)
    ]
    off = [(one.control - other.control).abs() for one, other in zip(drifted, plain, strict=True)]
    anchored = [batch.control.shape[2] > kind.frames and part.any() for batch, part in zip(drifted, off, strict=True)]
    assert 0 < sum(map(bool, anchored)) < len(anchored)
    for batch, part, known in zip(drifted, off, anchored, strict=True):
        made = batch.control[:, -1:] > 0
        assert not part[:, LATENT_CHANNELS:].any(), "what is to be made is none of it"
        assert not (part[:, :LATENT_CHANNELS] * made).any()
        if known:
            given = part[:, :LATENT_CHANNELS, batch.latents.shape[2] - kind.frames]
            assert 0.01 < given.mean() < 0.3
            assert given.flatten(2).std(-1).max() > 0.01, "here and there by something else"


def test_a_wide_scene_is_two_clips_beside_each_other(world):
    clips = world.tensors
    scenes = wide_scenes(clips, 6, batch_rng(0, 0))
    half = SIDE - 1
    for i, (first, second) in enumerate(scenes["wide/person"]):
        for place, shown in enumerate((first, second)):
            clip = int((clips["clip/person"] == shown).nonzero()[0])
            part = slice(place * half, (place + 1) * half)
            kept = clips["clip/video"][clip][..., 1:] if place else clips["clip/video"][clip][..., :-1]
            assert torch.equal(scenes["wide/video"][i][..., part], kept)
            moved = scenes["wide/landmarks"][i, place] - clips["clip/landmarks"][clip]
            known = moved[torch.isfinite(moved).all(-1)]
            assert torch.allclose(known, torch.tensor([SPATIAL_FACTOR * (half - 1.0) * place, 0.0]), atol=1e-3)
            assert scenes["wide/region"][i, place, ..., part].all()
    assert torch.equal(scenes["wide/region"].sum(1), torch.ones_like(scenes["wide/region"][:, 0]))
    assert (scenes["wide/person"][:, 0] != scenes["wide/person"][:, 1]).all()


@torch.no_grad()
def test_two_faces_in_halves_are_each_seen_in_its_own(world, prompts):
    torch.manual_seed(0)
    model, branch = new_model(RECIPE, world, 0)
    torch.nn.init.normal_(model.proj_out.weight, std=0.1)
    for block in branch.blocks:
        torch.nn.init.normal_(block.out_up.weight, std=0.05)
    batch = draw_masked(world, prompts, INACTIVE, MaskKind("duet", 1, 1), RECIPE, MASKS.rounds[0], batch_rng(0, 1))

    def seen(faces, scale):
        return predict(
            model, branch, batch.latents, batch.sigma, batch.control, batch.text, faces, scale,
            block=base_block, vace_block=control_block,
        )  # fmt: skip

    whole = torch.ones(1, 1, *batch.latents.shape[2:])
    halves = torch.zeros(1, 2, *batch.latents.shape[2:])
    halves[:, 0, ..., : SIDE // 2], halves[:, 1, ..., SIDE // 2 :] = 1, 1
    one = batch.faces[:, :1]
    torch.testing.assert_close(seen(one[:, 0], torch.ones(1)), seen(one, whole))
    torch.testing.assert_close(seen(one.expand(-1, 2, -1), halves), seen(one, whole))
    assert not torch.allclose(seen(batch.faces, halves), seen(one, whole), atol=1e-3)
    assert isinstance(batch.text, Text)


def test_a_window_shows_the_head_enlarged_and_only_the_head_is_made():
    who = dressed(person(training_identity(0, 0)[1]), np.random.default_rng(0))
    scene = dance(who, training_moves(), 3, 128, np.random.default_rng(1))
    worn = []

    def grey(frames):
        worn.append(frames.shape)
        return np.full_like(frames, 127)

    view = close_up(scene, uncertain(scene.joints, 128, np.random.default_rng(2)), 64, grey, np.random.default_rng(3))
    assert worn == [(3, 64, 64, 3)]
    assert (view.frames[~view.mask] == 127).all()
    height = (view.heads[:, 3] - view.heads[:, 1]).mean() / 64
    assert 1 / 2.4 - 0.01 < height < 1 / 1.5 + 0.01
    middle = ((view.heads[:, :2] + view.heads[:, 2:]) / 2).round().astype(int)
    for t, (x, y) in enumerate(middle):
        assert view.mask[t, y, x]
        assert view.control[t, y - 12 : y + 16, x - 12 : x + 12].max() > 100
    assert head_region(scene, np.random.default_rng(0)).mean() < 0.6


def test_who_is_built_otherwise_is_as_tall_as_before():
    who = dressed(person(training_identity(0, 0)[1]), np.random.default_rng(0))
    several = [built(who, np.random.default_rng(seed)).body for seed in range(8)]
    assert len({body.head for body in several}) == len({body.leg for body in several}) == 8
    for body in several:
        assert body.head + body.torso + body.leg == pytest.approx(who.body.head + who.body.torso + who.body.leg)
        assert body.leg > 0.18


def test_two_dancers_are_in_one_scene_with_both_poses():
    people = [dressed(person(training_identity(i, 0)[1]), np.random.default_rng(i)) for i in range(2)]
    first, second = duet((people[0], people[1]), training_moves(), 2, 128, np.random.default_rng(5))
    again, _ = duet((people[0], people[1]), training_moves(), 2, 128, np.random.default_rng(5))
    assert np.array_equal(first.frames, again.frames)
    assert first.frames is second.frames
    assert np.abs(first.heads - second.heads).max() > 15
    region = shares([first.joints / 2, second.joints / 2], 128, 16)
    torch.testing.assert_close(region.sum(0), torch.ones_like(region[0]))
    for i, scene in enumerate((first, second)):
        x, y = ((scene.heads[0, :2] + scene.heads[0, 2:]) / 16).astype(int)
        assert region[i, 0, y, x] > 0.8
        hips = (scene.joints[0, 11:13].mean(0) / 2).astype(int)
        assert scene.control[0, hips[1] - 8 : hips[1] + 8, hips[0] - 8 : hips[0] + 8].max() > 60


def test_an_interruption_changes_nothing(world, prompts, vae, pose_model, tmp_path, monkeypatch):
    monkeypatch.setattr(masks, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(masks, "MOST_FACES", 1)
    monkeypatch.setattr(masks, "KINDS", {n: replace(kind, size=1, frames=2) for n, kind in KINDS.items()})
    monkeypatch.setattr("lab.tiny.faces.KINDS", (STILL,))
    monkeypatch.setattr(masks, "MOST_BODIES", 1)
    face_loss, pose_loss = FaceLoss(dlib_folder()), PoseLoss(pose_model)

    def train(folder, recipe=MASKS):
        model, branch = new_model(RECIPE, world, 0)
        losses = train_masks(
            model, branch, vae, face_loss, pose_loss, world, prompts, INACTIVE, recipe, RECIPE, seed=0,
            states=[tmp_path / folder / str(number) for number in range(len(recipe.rounds))], compiled=False,
        )  # fmt: skip
        return {**model.state_dict(), **branch.state_dict()}, losses

    weights, losses = train("whole")
    draw, calls = masks.kind_of, []

    def killed(asked, step):
        calls.append(step)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return draw(asked, step)

    for _ in range(2):  # in the first round, of which two steps are kept, and two steps later in the second
        calls.clear()
        with monkeypatch.context() as patch:
            patch.setattr(masks, "kind_of", killed)
            with pytest.raises(KeyboardInterrupt):
                train("killed")
    resumed, again = train("killed")
    assert again.equals(losses)
    assert {column.split("/")[0] for column in losses if column != "step"} == set(MASKS.rounds[0].shares)
    assert losses["going/motion"].notna().sum() == losses["going/pose"].notna().sum() == MASKS.rounds[1].steps
    assert all(torch.equal(value, resumed[name]) for name, value in weights.items())
    # Both rounds are there: what follows takes no step.
    full, _ = train("whole", MASKS.model_copy(update={"halved": 0}))
    first, _ = train("whole", MASKS.model_copy(update={"halved": 0, "rounds": MASKS.rounds[:1]}))
    moved = [name for name in weights if not torch.equal(full[name], first[name])]
    assert len(moved) > len(weights) / 2
    for name in moved:
        torch.testing.assert_close(weights[name], (full[name] + first[name]) / 2)


def test_no_more_rounds_are_halved_than_there_are():
    with pytest.raises(ValueError, match="3 of 2 rounds"):
        TinyMasks.model_validate(MASKS.model_dump() | {"halved": 3})
