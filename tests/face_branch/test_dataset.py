"""Who is learned from and who is held out, and what a portrait gives to learn."""

import numpy as np
import pytest
import torch

from facedance.face_branch.dataset import choose_heldout, read_people
from facedance.faces.embedding import Embedding
from facedance.job import InputError
from facedance.train.portraits import mean_embedding
from tests.face_branch.portrait_world import CHOSEN, SIDE, files_in
from tests.train.training_world import D


def read(people, share=CHOSEN.heldout, alike=0.6):
    files = files_in(people, people)
    return read_people(files.tables, files.latents, 8 * SIDE, share, alike)


def test_whoever_is_held_out_is_not_learned_from(people):
    found = read(people)
    assert len(found.names) == 2
    assert {p.person for p in found.learned} | {*found.names} == {"ann", "bob.jpg", "cay.jpg", "dan.jpg", "eve.jpg"}
    assert not {p.person for p in found.learned} & {*found.names}


def test_a_portrait_is_learned_with_the_embedding_of_the_person_s_others(people):
    found = read(people)
    portraits = {p.name: p for p in (*found.learned, *found.heldout)}
    assert torch.allclose(portraits["ann/1.jpg"].given, torch.from_numpy(portraits["ann/2.jpg"].own.vector), atol=1e-6)
    assert torch.allclose(portraits["bob.jpg"].given, torch.from_numpy(portraits["bob.jpg"].own.vector), atol=1e-6)
    item = portraits["ann/2.jpg"].load()
    assert item.video.shape[1:] == (1, SIDE, SIDE)
    assert item.control.shape[0] == 2 * item.video.shape[0] + 64
    assert item.landmarks.shape == (5, 2)
    assert 0 < item.face.sum() < item.seen.sum() < SIDE**2
    assert torch.equal(item.embedding, portraits["ann/2.jpg"].given)


def test_the_held_out_are_unlike_each_other_and_stay_when_others_come():
    rng = np.random.default_rng(0)
    crowd = {f"p{n}": Embedding.of(rng.standard_normal(D)) for n in range(50)}
    chosen = choose_heldout(crowd, 0.1, alike=0.0)
    assert len(chosen) == 5
    twins = crowd | {f"{name} twin": crowd[name] for name in crowd}
    assert len({name.removesuffix(" twin") for name in choose_heldout(twins, 0.1, alike=0.6)}) == 10
    assert len({*chosen} & {*choose_heldout(crowd | {"new": Embedding.of(np.ones(D))}, 0.1, alike=0.0)}) >= 4
    assert len(choose_heldout(crowd, 0.001, alike=0.0)) == 2


def test_too_few_people_are_refused(people):
    with pytest.raises(InputError, match="5 people, of whom 1 unlike ones would be held out"):
        read(people, alike=1e9)


def test_a_mean_is_that_of_the_recogniser_s_own_outputs():
    a, b = (Embedding.of(np.array(values)) for values in ([3.0, 0.0], [0.0, 1.0]))
    assert np.allclose(mean_embedding([a, b]).raw, [1.5, 0.5])
