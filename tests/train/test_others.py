"""A new face branch: each photo's own embedding, and faces of others, for whom the LoRA is off."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from facedance.config.face_branch import NOBODY_ELSE
from facedance.faces.embedding import load_embeddings
from facedance.train.dataset import draw_example, read_dataset
from facedance.train.learner import MANY
from facedance.wan.adapter import read_adapter
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pretrained_face import save_face_branch
from lab.tiny.model import BLOCKS, DIM
from tests.face_branch.portrait_world import PARTS, write_people
from tests.train.test_loop import run_training
from tests.train.training_world import LORA, SAID, WAN, D, changed, files_in, learner_for

WITH_OTHERS = changed(other_faces=0.5, photo_share=1.0, face_dropout=0.0, text_dropout=0.0)


@pytest.fixture(scope="module")
def peopled(world, tmp_path_factory):
    """What a training needs, with portraits of five others."""
    folder = tmp_path_factory.mktemp("peopled")
    write_people(folder)
    return dataclasses.replace(
        files_in(world),
        tables=[folder / f"{part}.csv" for part in PARTS],
        portraits=[folder / f"{part}.safetensors" for part in PARTS],
    )


@pytest.fixture(scope="module")
def mixed(peopled):
    """Photos of a person and faces of others."""
    return read_dataset(peopled, WAN, WITH_OTHERS, SAID)


def with_a_branch(files, folder):
    """The same for a model that brings a face branch."""
    shutil.copytree(files.model, folder / "model")
    torch.manual_seed(0)
    branch = FaceBranch(embedding_dim=D, dim=DIM, blocks=BLOCKS, tokens=2, rank=4, width=16)
    save_face_branch(branch, folder / "model/face_branch", "dlib")
    return dataclasses.replace(files, model=folder / "model")


def drawn(dataset, train, steps=60):
    return [draw_example(dataset, train, step, index) for step in range(steps) for index in (0, 1)]


def test_a_new_branch_sees_each_photo_with_its_own_embedding_and_another_with_the_persons(peopled, mixed, tmp_path):
    own = load_embeddings(peopled.faces)
    assert [photo.embedding.tolist() for photo in mixed.photos] == [own[name].vector.tolist() for name in ("one.png", "two.jpg")]
    known = read_dataset(with_a_branch(peopled, tmp_path), WAN, WITH_OTHERS, SAID)
    assert all(torch.equal(photo.embedding, known.identity) for photo in known.photos)


def test_others_are_nobodys_business_where_the_model_has_a_branch_or_nothing_learns_from_them(peopled, tmp_path):
    """Their files need not even be there."""
    gone = dataclasses.replace(peopled, tables=[tmp_path / "gone.csv"], portraits=[tmp_path / "gone.safetensors"])
    known = with_a_branch(gone, tmp_path)
    for files, train in (
        (known, WITH_OTHERS),
        (gone, changed(other_faces=0.0)),
        (gone, changed(other_faces=0.5, phases=(LORA,))),
    ):
        dataset = read_dataset(files, WAN, train, SAID)
        assert dataset.others == ()
    assert "faces" not in known.digests()
    assert "faces" in gone.digests()


def test_their_share_of_the_photos_is_what_it_says_and_each_shows_its_own_face(mixed):
    assert len(mixed.others) == sum(len(portraits) for portraits in PARTS.values()) - 1
    examples = drawn(mixed, WITH_OTHERS)
    others = [example for example in examples if not example.with_lora]
    assert np.mean([not example.with_lora for example in examples]) == pytest.approx(0.5, abs=0.12)
    given = {tuple(portrait.given.tolist()) for portrait in mixed.others}
    assert {tuple(example.shown[0].tolist()) for example in others} == given
    assert all(torch.equal(example.shown, example.embedding[:, 0]) for example in others)
    photos = [example for example in examples if example.with_lora]
    assert all(torch.equal(example.shown[0], mixed.identity) for example in photos), "the recogniser looks for the person"
    assert len({tuple(example.embedding[0, 0].tolist()) for example in photos}) == 2


def test_without_a_share_of_theirs_nothing_is_drawn_otherwise(mixed):
    alone = changed(photo_share=1.0)
    for one, other in zip(drawn(mixed, alone, 6), drawn(dataclasses.replace(mixed, others=()), WITH_OTHERS, 6), strict=True):
        assert torch.equal(one.latents, other.latents)


def test_they_have_a_text_and_a_digest_of_their_own(peopled, mixed):
    said = dataclasses.replace(SAID, others="")
    other = read_dataset(peopled, WAN, WITH_OTHERS, said)
    assert torch.equal(other.text_of(other.others[0]), other.no_text)
    assert other.digests()["texts"] != mixed.digests()["texts"]
    fewer = dataclasses.replace(mixed, others=mixed.others[:-1])
    assert fewer.digests()["others"] != mixed.digests()["others"]


def test_they_teach_the_branch_and_not_the_lora(world, mixed):
    model = learner_for(world, WITH_OTHERS)
    with torch.no_grad():
        for parameter in model.parameters.values():
            parameter.add_(0.01)
    kinds = {example.with_lora: example for example in drawn(mixed, WITH_OTHERS, 4)}
    for with_lora, example in kinds.items():
        model.accumulate(example)
        moved = {name.split(".")[0] for name, p in model.parameters.items() if p.grad is not None and p.grad.any()}
        assert moved == ({"face", "lora"} if with_lora else {"face"})
        for parameter in model.parameters.values():
            parameter.grad = None
    (before,) = model.losses(kinds[False])
    with torch.no_grad():
        for name, parameter in model.parameters.items():
            parameter.mul_(2.0 if name.startswith("lora") else 1.0)
    assert model.losses(kinds[False]) == [before], "the LoRA changes nothing of them"
    assert model.losses(kinds[True]) != [before]


def test_where_the_lora_learns_alone_nobody_else_is_seen(world, mixed):
    train = WITH_OTHERS.model_copy(update={"other_faces": 0.9, "ema_decay": 0.0})
    before, after = (learner_for(world, train) for _ in range(2))
    before.step(dataclasses.replace(mixed, others=()), 1, LORA)
    after.step(mixed, 1, LORA)
    assert all(torch.equal(p, after.parameters[name]) for name, p in before.parameters.items())


def test_a_training_with_others_tells_of_them_and_knows_how_embeddings_are_spread(peopled, world, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("tests.train.test_loop.files_in", lambda folder: peopled)
    monkeypatch.setattr("facedance.train.learner.MANY", 2)
    run_training(world, tmp_path, WITH_OTHERS)
    adapter = read_adapter(tmp_path / "adapter.safetensors")
    faces = torch.stack([portrait.given for portrait in read_dataset(peopled, WAN, WITH_OTHERS, SAID).others])
    assert torch.allclose(adapter.face["mean"], faces.mean(0))
    assert torch.allclose(adapter.face["deviation"], faces.std(0))
    assert load_file(tmp_path / "adapter.safetensors")
    assert '"others": 6' in (tmp_path / "meta.json").read_text()
    assert NOBODY_ELSE not in caplog.text
    assert len(faces) < MANY, "of so few the spread is not taken else"
