"""Text attention without the padding gives what it gives with it."""

import pytest
import torch

from facedance.wan.face_branch import FaceBranch
from facedance.wan.text_padding import counting_padding, without_padding

from .small_transformer import FACE, FACE_SIZES, transformer


@pytest.mark.parametrize(("own", "kept"), [(0, 1), (5, 6), (511, 512), (512, 512)])
def test_as_many_tokens_are_counted_as_there_are(own, kept):
    text = torch.zeros(1, 512, 4)
    text[:, :own] = 1
    short, bias = without_padding(text)
    assert short.shape == (1, kept, 4)
    assert bias.exp().sum().item() == pytest.approx(512)


def test_a_zero_token_within_a_prompt_is_kept():
    text = torch.zeros(1, 8, 4)
    text[:, [0, 2]] = 1
    assert without_padding(text)[0].shape == (1, 4, 4)


@pytest.mark.parametrize("face", [None, FACE])
def test_prediction_and_gradient_are_the_same_without_padding(face):
    generator = torch.Generator().manual_seed(1)
    latents, control = (torch.randn(1, *shape, generator=generator) for shape in [(4, 2, 4, 4), (12, 2, 4, 4)])
    text = torch.zeros(1, 64, 8)
    text[:, :5] = torch.randn(5, 8, generator=generator)
    model, branch = transformer(), FaceBranch(**vars(FACE_SIZES))
    branch.attach(model)
    for part in branch.blocks:
        torch.nn.init.normal_(part.out_up.weight, generator=generator)
    given = latents.clone().requires_grad_()

    def predicted(tokens):
        inputs = {"hidden_states": given, "encoder_hidden_states": tokens, "control_hidden_states": control}
        with branch.condition(face, 1.0):
            result = model(**inputs, timestep=torch.tensor([500.0]), return_dict=False)[0]
        return result.detach(), torch.autograd.grad(result.square().sum(), given)[0]

    whole, whole_gradient = predicted(text)
    short, bias = without_padding(text)
    with counting_padding(model, bias):
        result, gradient = predicted(short)
    torch.testing.assert_close(result, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, whole_gradient, rtol=1e-4, atol=1e-5)
    uncounted, _ = predicted(short)
    assert (uncounted - whole).abs().max() > 1e-3
    again, _ = predicted(text)
    torch.testing.assert_close(again, whole, rtol=0, atol=0)
