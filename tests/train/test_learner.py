"""A step of the training: what it moves, that it learns, and what it refuses."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from facedance.config.sections import Phase
from facedance.job import InputError
from facedance.train import learner
from facedance.train.dataset import draw_example
from facedance.train.example import stacked
from facedance.train.learner import learning_rate
from facedance.train.validate import SIGMAS, heldout_losses
from facedance.wan import recompute
from facedance.wan.recompute import compute_again
from tests.train.training_world import (
    BOTH,
    TRAIN,
    changed,
    fixed_example,
    learner_for,
)


def test_only_the_adapter_gets_gradients(world, dataset):
    model = learner_for(world, TRAIN)
    model.accumulate(fixed_example(dataset))
    reached = {n for n, p in model.transformer.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached
    assert all(".lora_B.person." in name for name in reached)  # A has none while B is zero
    assert [n for n, p in model.branch.named_parameters() if p.grad is not None and p.grad.any()] == [
        f"blocks.{i}.out_up.weight" for i in range(6)
    ]


class Heavy(TorchDispatchMode):
    """Counts how often attention among as many keys as queries runs, and a feed-forward network's second layer."""

    attention = down = 0

    def __init__(self, ffn):
        super().__init__()
        self.ffn = ffn

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        self.attention += "scaled_dot" in name and "backward" not in name and args[0].shape[-2] == args[1].shape[-2]
        self.down += name == "aten.addmm.default" and args[1].shape[-1] == self.ffn
        return func(*args, **(kwargs or {}))


def test_what_is_kept_and_what_is_computed_again_changes_no_gradient(world, dataset, monkeypatch):
    gradients, computed = [], []
    ffn = learner_for(world, TRAIN).transformer.config.ffn_dim
    for kept in (None, [None] * 6, [0, 0, *[None] * 4], [ffn, ffn, *[None] * 4], [1] * 6):
        model = learner_for(world, TRAIN)
        for block in model.branch.blocks:
            torch.nn.init.normal_(block.out_up.weight, std=0.1, generator=torch.Generator().manual_seed(0))
        if kept is not None:
            monkeypatch.setattr(recompute, "floors", lambda *_, kept=kept: kept)
            compute_again(model.transformer, 0)
        with Heavy(ffn) as counted:
            model.accumulate(fixed_example(dataset))
        gradients.append({name: p.grad for name, p in model.parameters.items() if p.grad is not None})
        computed.append((counted.attention, counted.down))
    (attention, down), *more = computed
    assert [(one - attention, other - down) for one, other in more] == [(6, 6), (4, 4), (6, 4), (0, 0)]
    for found in gradients[1:]:
        assert found.keys() == gradients[0].keys()
        assert all(torch.equal(found[name], gradients[0][name]) for name in found)


def test_a_bfloat16_model_trains_float32_weights(world, dataset):
    model = learner_for(world, TRAIN, torch.bfloat16)
    before = {name: p.detach().clone() for name, p in model.parameters.items()}
    for step in (1, 2):
        model.step(dataset, step, BOTH)
    assert {p.dtype for p in model.parameters.values()} == {torch.float32}
    assert {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])} == {"face", "lora"}


def test_a_phase_moves_only_what_it_trains(world, dataset):
    model = learner_for(world, TRAIN)
    before = {name: p.detach().clone() for name, p in model.parameters.items()}
    model.step(dataset, 1, Phase(steps=1, trains=("lora",)))
    moved = {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])}
    assert moved == {"lora"}
    model.step(dataset, 2, Phase(steps=1, trains=("face",)))
    moved = {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])}
    assert moved == {"lora", "face"}


def test_the_loss_falls_and_the_face_comes_to_matter(world, dataset):
    train = changed(
        text_dropout=0.0,
        face_dropout=0.0,
        reference_dropout=1.0,
        photo_share=1.0,
        phases=(Phase(steps=25, trains=("face", "lora")),),
    )
    alone = dataclasses.replace(dataset, photos=dataset.photos[:1])
    model = learner_for(world, train)
    example = fixed_example(dataset)
    without = dataclasses.replace(example, embedding=torch.zeros_like(example.embedding))
    other = dataclasses.replace(example, embedding=-example.embedding)
    before = lost(model, example)
    assert lost(model, without) == before  # an untrained branch changes nothing, to the bit
    for step in range(1, 26):
        model.step(alone, step, train.phases[0])
    after = lost(model, example)
    assert after < 0.9 * before
    assert lost(model, without) > after
    assert lost(model, other) != after


def lost(model, example) -> float:
    (item,) = model.losses(example)
    return item.flow


def test_photos_learn_together_as_they_do_one_by_one(world, dataset):
    train = changed(photo_share=1.0, text_dropout=0.5, face_dropout=0.5, reference_dropout=0.5, batch_size=16)
    examples = [draw_example(dataset, train, 1, index) for index in range(16)]
    together = stacked(examples)
    assert len(together) == 2  # with a reference and without
    assert len({(torch.equal(e.text[0], dataset.text), e.embedding.any().item()) for e in examples}) == 4
    found = []
    for batch in (examples, together):
        model = learner_for(world, train)
        torch.nn.init.normal_(model.branch.blocks[0].out_up.weight, std=0.1, generator=torch.Generator().manual_seed(0))
        losses = sorted(item.flow for example in batch for item in model.accumulate(example))
        found.append((losses, {name: p.grad for name, p in model.parameters.items() if p.grad is not None}))
    (one_by_one, gradients), (at_once, gradients_at_once) = found
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-5)
    assert gradients.keys() == gradients_at_once.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradients_at_once[name], gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", [lambda p, t, w: ((p - p.detach()) ** 2).mean(), lambda p, t, w: ((p - t) ** 2).mean().detach()])
def test_a_loss_that_cannot_be_learned_from_is_refused(world, dataset, monkeypatch, loss):
    model = learner_for(world, TRAIN)
    model.require_gradients(dataset)
    monkeypatch.setattr(learner, "flow_loss", loss)
    with pytest.raises(ValueError, match="the loss does not depend on"):
        model.require_gradients(dataset)


def test_a_part_that_learns_nothing_is_named(world, dataset):
    model = learner_for(world, TRAIN)
    model.branch.detach()
    with pytest.raises(ValueError, match="the loss does not depend on face,"):
        model.require_gradients(dataset)


def test_divergence_is_one_sentence(world, dataset):
    model = learner_for(world, changed(learning_rate=1e30, warmup_steps=0))
    model.step(dataset, 1, BOTH)
    with pytest.raises(InputError, match=r"diverged at step 2 .* lower train\.learning_rate \(1e\+30\)"):
        model.step(dataset, 2, BOTH)


def test_learning_rate_warms_up_and_ends_at_its_share_in_each_phase():
    phases = (
        Phase(steps=7, trains=("face",)),
        Phase(steps=0, trains=("face",)),
        Phase(steps=4, trains=("lora",), learning_rate=3.0),
    )
    train = changed(learning_rate=1.0, warmup_steps=2, final_learning_rate=0.1, phases=phases)
    rates = [learning_rate(train, step) for step in range(1, 12)]
    for own, peak in ((rates[:7], 1.0), (rates[7:], 3.0)):
        assert own[:2] == [peak / 2, peak]
        assert own[-1] == pytest.approx(0.1 * peak)
        assert all(a > b for a, b in itertools.pairwise(own[1:]))
    assert {learning_rate(changed(warmup_steps=0, final_learning_rate=1.0), step) for step in range(1, 12)} == {0.01}


def test_heldout_losses_tell_faces_apart_once_the_branch_is_trained(world, dataset):
    model = learner_for(world, TRAIN)
    losses = {row["loss"] for row in heldout_losses(model, dataset)}
    assert len(losses) == len(SIGMAS)  # untrained: the face makes no difference
    model.step(dataset, 1, BOTH)
    model.step(dataset, 2, BOTH)
    assert len({row["loss"] for row in heldout_losses(model, dataset)}) == 3 * len(SIGMAS)


def test_heldout_losses_of_a_dancer_whose_face_nobody_knows(world, dataset):
    model = learner_for(world, TRAIN)
    unknown = dataclasses.replace(dataset, heldout=dataclasses.replace(dataset.heldout, embedding=None))
    assert {row["face"] for row in heldout_losses(model, unknown)} == {"wrong", "none"}
