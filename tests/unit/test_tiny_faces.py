"""The transformer's last training: faces that it guesses are to look as the truth does."""

import numpy as np
import pytest
import torch

from facedance.faces.dlib_backend import DlibBackend
from facedance.tiny import faces
from facedance.tiny.batches import Kind
from facedance.tiny.faces import refine_transformer
from facedance.tiny.guesses import head_boxes, see_guesses
from facedance.tiny.model import SPATIAL_FACTOR, new_vae
from facedance.tiny.sightings import LEAST_SCORE, SIDE
from facedance.tiny.student import Student
from facedance.tiny.transformer import new_model
from facedance.wan.flow import box_mask
from tests.unit.faces_people import dlib_folder
from tests.unit.tiny_world import INACTIVE, RECIPE, random_prompts, random_world

DIMENSION = 8


def test_boxes_are_found_again_in_their_masks():
    boxes = np.array([[24, 40, 56, 80], [np.nan] * 4, [10, 60, 37, 101]], np.float32)
    mask = box_mask(boxes, (128, 128), (3, 16, 16))
    found, known = head_boxes(mask[None])
    assert known.tolist() == [[True, False, True]]
    np.testing.assert_allclose(found[0, [0, 2]].numpy(), boxes[[0, 2]], atol=SPATIAL_FACTOR / 4)


def test_the_recogniser_looks_at_every_head_that_is_guessed():
    torch.manual_seed(0)
    world = random_world()
    world.tensors["still/head"][0] = 0  # nobody knows where it is
    model, branch = new_model(RECIPE, world, 0)
    backend = DlibBackend(dlib_folder(), LEAST_SCORE)
    seen = see_guesses(world, random_prompts(), INACTIVE, model, branch, new_vae(), backend, RECIPE, batches=1, seed=0)
    assert 32 < len(seen["before"]) < 64, "one still of eight has no head"
    assert seen["after"].shape[1:] == (3, SIDE, SIDE)
    assert not torch.equal(seen["before"], seen["after"])
    assert seen["after_score"].max() < 0, "there is no face in noise"


def test_guesses_come_to_look_like_the_truth_and_an_interruption_changes_nothing(tmp_path, monkeypatch):
    heads, clips = (Kind(size, moving, frames, True, False) for size, moving, frames in ((6, False, 1), (2, True, 2)))
    stills = Kind(size=2, clips=False, frames=1, heads=False, reference=True)
    monkeypatch.setattr(faces, "KINDS", (heads, clips, heads, stills))
    monkeypatch.setattr(faces, "CHECKPOINT_EVERY", 4)
    monkeypatch.setattr(faces, "RATE_SHARE", 0.5)
    monkeypatch.setattr(
        faces, "batch_rng", lambda seed, step: torch.Generator().manual_seed(step % 4)
    )  # four batches, again and again
    world, prompts = random_world(), random_prompts()
    torch.manual_seed(0)
    student, vae = Student(DIMENSION).eval().requires_grad_(False), new_vae()

    def refine(folder):
        model, branch = new_model(RECIPE, world, 0)
        losses = refine_transformer(
            model, branch, vae, student, world, prompts, INACTIVE, RECIPE,
            number=1, steps=12, seed=0, state=tmp_path / folder, compiled=False,
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
    assert (losses["identity"][-4:].dropna().to_numpy() < 0.8 * losses["identity"][:4].dropna().to_numpy()).all()
