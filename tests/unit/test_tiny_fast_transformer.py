"""The fast transformer computes what diffusers' own does with the face branch attached."""

import pytest
import torch

from facedance.tiny.fast_transformer import Text, base_block, control_block, predict
from facedance.wan.face_branch import FaceBranch
from facedance.wan.tiny import new_transformer


@torch.no_grad()
def test_velocity_is_that_of_the_model_with_its_branch():
    torch.manual_seed(0)
    model = new_transformer().eval()
    branch = FaceBranch(embedding_dim=16, dim=224, blocks=6, tokens=3, rank=8, width=32)
    for block in branch.blocks:
        torch.nn.init.normal_(block.out_up.weight, std=0.05)
    latents, control = torch.randn(2, 16, 3, 8, 6), torch.randn(2, 48, 3, 8, 6)
    prompts = torch.zeros(2, 512, 64)
    prompts[0, :5], prompts[1, :9] = torch.randn(5, 64), torch.randn(9, 64)
    faces = torch.nn.functional.normalize(torch.randn(2, 16), dim=1)
    sigma, scale = torch.tensor([0.3, 0.8]), torch.tensor([1.0, 0.0])
    fast = predict(
        model,
        branch,
        latents,
        sigma,
        control,
        Text.of(list(prompts), 12),
        faces,
        scale,
        block=base_block,
        vace_block=control_block,
    )
    branch.attach(model)
    with branch.condition(faces[:, None], scale):
        (slow,) = model(
            hidden_states=latents,
            timestep=sigma * 1000,
            encoder_hidden_states=prompts,
            control_hidden_states=control,
            return_dict=False,
        )
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)


def test_a_prompt_that_is_too_long_is_refused_with_the_numbers():
    with pytest.raises(ValueError, match="12 tokens; at most 7 fit"):
        Text.of([torch.ones(12, 4)], 8)
