"""The fast VAE computes what diffusers' own does."""

import pytest
import torch

from lab.tiny.fast_vae import decode, encode
from lab.tiny.model import new_vae


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return new_vae().eval()


@pytest.mark.parametrize("frames", [1, 5, 9])
@torch.no_grad()
def test_latents_and_pictures_are_those_of_diffusers(vae, frames):
    video = torch.rand(2, 3, frames, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean, log_variance = encode(vae, video)
    posterior = vae.encode(video).latent_dist
    torch.testing.assert_close(mean, posterior.mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(log_variance.clamp(-30, 20), posterior.logvar, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(decode(vae, mean).clamp(-1, 1), vae.decode(mean).sample, rtol=1e-4, atol=1e-4)


def test_every_weight_of_the_vae_has_a_gradient(vae):
    video = torch.rand(1, 3, 9, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean, log_variance = encode(vae, video)
    (decode(vae, mean).square().mean() + log_variance.mean()).backward()
    without = {name for name, p in vae.named_parameters() if p.grad is None or not p.grad.any()}
    vae.zero_grad()
    assert without == set()
