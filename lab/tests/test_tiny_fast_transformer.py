"""The fast transformer computes what diffusers' own does with the face branch attached."""

import pytest
import torch

from facedance.wan.face_branch import FaceBranch
from lab.tiny.fast_transformer import Text, base_block, control_block, predict
from lab.tiny.model import BLOCKS, DIM, LATENT_CHANNELS, SPATIAL_FACTOR, TEXT_DIM, new_transformer


@torch.no_grad()
def test_velocity_is_that_of_the_model_with_its_branch():
    torch.manual_seed(0)
    model = new_transformer().eval()
    branch = FaceBranch(embedding_dim=16, dim=DIM, blocks=BLOCKS, tokens=3, rank=8, width=32)
    for block in branch.blocks:
        torch.nn.init.normal_(block.out_up.weight, std=0.05)
    latents = torch.randn(2, LATENT_CHANNELS, 3, 8, 6)
    control = torch.randn(2, 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2, 3, 8, 6)
    prompts = torch.zeros(2, 512, TEXT_DIM)
    prompts[0, :5], prompts[1, :9] = torch.randn(5, TEXT_DIM), torch.randn(9, TEXT_DIM)
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
