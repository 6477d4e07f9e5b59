"""The recogniser's view of the face that the model guesses in a noisy photo, as a loss."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d
from torch import Tensor, nn

from facedance.faces.face_loss import FaceLoss
from facedance.train.dataset import Example
from facedance.wan.load import latent_statistics, load_vae

MISSED_SHARE = 0.1
"""Weight of a face that is not found surely, against its squared distance from the person."""


class IdentityLoss:
    """How far guesses, decoded by a frozen VAE, are from a person's embedding (D,), and from being found."""

    def __init__(self, vae: Any, face_loss: FaceLoss, person: Tensor) -> None:
        self._vae, self._face_loss, self._person = vae, face_loss, person

    def __call__(self, example: Example, velocity: Tensor) -> Tensor:
        """The loss, a scalar, of what the model guesses, with this velocity (1, z, F, h, w), in an example with landmarks."""
        assert example.landmarks is not None
        guess = example.latents.to(velocity.device) - example.sigma * velocity
        frame = self._decoded(guess[:, :, -1:])[:, :, 0].cpu()  # the recogniser is small, and its gradient certain on a CPU
        random = torch.Generator().manual_seed(example.chance)
        identity, missed = self._face_loss(frame, example.landmarks[None], self._person[None], random)
        return identity + MISSED_SHARE * missed

    def _decoded(self, latents: Tensor) -> Tensor:
        """Frames (1, 3, 1, H, W) in [-1, 1] of normalised latents (1, z, 1, h, w)."""
        mean, std = (values.to(latents.device) for values in latent_statistics(self._vae))
        decoded: Tensor = self._vae.decode(latents * std + mean).sample
        return decoded


def load_identity_loss(model: Path, recogniser: Path, person: Tensor, device: torch.device) -> IdentityLoss:
    """The loss for a person (D,), with the VAE in a model's folder and dlib's weights in another."""
    return IdentityLoss(for_single_frames(load_vae(model, device)), FaceLoss(recogniser), person)


def for_single_frames(vae: Any) -> Any:
    """Take from the decoder what single frames do not need, two thirds of its work; gives the same VAE.

    A causal convolution sees zeros before the first frame, so that only the last of its taps in time counts there.
    """
    for module in vae.decoder.modules():
        if isinstance(module, WanCausalConv3d):
            module.weight = nn.Parameter(module.weight[:, :, -1:].clone(), requires_grad=module.weight.requires_grad)
            module.kernel_size = (1, *module.kernel_size[1:])
            module._padding = (*module._padding[:4], 0, 0)
    return vae
