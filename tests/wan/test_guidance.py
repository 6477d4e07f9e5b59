"""The passes of guidance in one batch: what they predict is what they predict one by one."""

from types import SimpleNamespace

import pytest
import torch

from facedance.config.render_settings import RenderSettings
from facedance.wan.face_branch import FaceBranch
from facedance.wan.guidance import guided, passes_of
from tests.wan.small_transformer import FACE, FACE_SIZES, both_passes, transformer

ROUNDING = 2e-6
"""Of float32 on a CPU, for numbers of about 1: a product of another height is added up in another order."""


def settings(**changes) -> RenderSettings:
    return RenderSettings(guidance_scale=3.0).model_copy(update=changes)


@torch.no_grad()
def predicted(settings, *, batched, faces=1):
    """Both predictions of a step, as a WanVACEPipeline asks for them, and the rows of each forward pass."""
    model, rows = transformer(), []
    torch.manual_seed(1)
    branch = FaceBranch(**vars(FACE_SIZES))
    for block in branch.blocks:
        torch.nn.init.normal_(block.out_up.weight, std=0.3)
    branch.attach(model)
    model.register_forward_pre_hook(lambda _, args, given: rows.append(len(given["hidden_states"])), with_kwargs=True)
    latents, control = torch.randn(1, 4, 2, 4, 4), torch.randn(1, 12, 2, 4, 4)
    prompt, negative = torch.randn(2, 6, 8)
    pipeline = SimpleNamespace(transformer=model)
    face = FACE[0].expand(faces, -1)
    with guided(pipeline, branch, face, negative, settings, batched=batched):
        found = both_passes(pipeline, latents, control, (prompt, negative), control_scale=0.8)
    assert pipeline.transformer is model
    return found, rows


@pytest.mark.parametrize("faces", [1, 2])
@pytest.mark.parametrize(
    ("changes", "passes"),
    [({}, 2), ({"face_guidance": 6.0}, 3), ({"face_scale": 0.0}, 2), ({"face_scale": 0.0, "face_guidance": 6.0}, 2)],
)
def test_one_batch_predicts_what_single_passes_do(changes, passes, faces):
    (single, one_by_one), (together, rows) = (predicted(settings(**changes), batched=way, faces=faces) for way in (False, True))
    assert rows == [passes] == [passes_of(settings(**changes))]
    assert sum(one_by_one) == 2
    assert (single[0] - single[1]).abs().max() > 0.01
    torch.testing.assert_close(together, single, rtol=0, atol=ROUNDING)


def test_without_guidance_there_is_nothing_to_batch():
    assert passes_of(settings(guidance_scale=1.0)) == 1
    (_, alone), (_, rows) = (predicted(settings(guidance_scale=1.0), batched=way) for way in (False, True))
    assert rows == alone


def test_after_an_error_the_transformer_is_back():
    pipeline = SimpleNamespace(transformer=(model := transformer()))
    block = guided(pipeline, None, FACE[0], torch.zeros(6, 8), settings(), batched=True)
    block.__enter__()
    assert pipeline.transformer is not model
    assert not block.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert pipeline.transformer is model
