"""The recogniser's view of the face that the model guesses in a noisy photo, as a loss."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from facedance.faces.face_loss import FaceLoss
from facedance.train.example import Example
from facedance.wan.load import latent_statistics, load_vae

MISSED_SHARE = 0.1
"""Weight of a face that is not found surely, against its squared distance from the person."""


class IdentityLoss:
    """How far guesses, decoded by a frozen VAE, are from the faces that they are to show, and from being found.

    Where nobody's is to be shown, nobody looks.
    With `checkpointing` items are decoded one after the other, and once more for the gradient: at full size a decoding keeps
    gigabytes for it.
    """

    def __init__(self, vae: Any, face_loss: FaceLoss, checkpointing: bool = False) -> None:
        self._vae, self._face_loss, self._checkpointing = vae, face_loss, checkpointing

    def __call__(self, example: Example, velocity: Tensor) -> Tensor:
        """Each item's loss, (B,), of what the model guesses with this velocity (B, z, F, h, w); the example has landmarks."""
        assert example.landmarks is not None
        guess = example.latents.to(velocity.device) - example.sigma.view(-1, 1, 1, 1, 1).to(velocity.device) * velocity
        faces = example.shown.cpu()
        if not self._checkpointing:
            return self._losses(guess[:, :, -1:], example.landmarks, faces, example.chance)
        chances = [(chance,) for chance in example.chance]
        items = zip(guess[:, :, -1:].split(1), example.landmarks.split(1), faces.split(1), chances, strict=True)
        return torch.cat([checkpoint(self._losses, *item, use_reentrant=False, preserve_rng_state=False) for item in items])

    def _losses(self, latents: Tensor, landmarks: Tensor, faces: Tensor, chances: Sequence[int]) -> Tensor:
        """The losses (B,) of normalised latents (B, z, 1, h, w), compared with faces (B, D), zeros for none."""
        frames = self._decoded(latents)[:, :, 0]
        losses = []
        for frame, points, face, chance in zip(frames.split(1), landmarks.split(1), faces.split(1), chances, strict=True):
            if not face.any():
                losses.append(frame.new_zeros(()))
                continue
            random = torch.Generator().manual_seed(chance)  # an item's own, so that who shares its batch changes nothing for it
            identity, missed = self._face_loss(frame, points, face, random)
            losses.append((identity + MISSED_SHARE * missed).to(frame.device))  # dlib's is computed on the CPU
        return torch.stack(losses)

    def _decoded(self, latents: Tensor) -> Tensor:
        """Frames (B, 3, 1, H, W) in [-1, 1] of normalised latents (B, z, 1, h, w)."""
        mean, std = (values.to(latents.device) for values in latent_statistics(self._vae))
        decoded: Tensor = self._vae.decode(latents * std + mean).sample
        return decoded


def load_identity_loss(
    model: Path,
    recogniser: Path,
    device: torch.device,
    checkpointing: bool = False,
    dtype: torch.dtype = torch.float32,
) -> IdentityLoss:
    """The loss with a model's VAE and a recogniser that computes in `dtype`."""
    face_loss = FaceLoss(recogniser, dtype, device)
    return IdentityLoss(for_single_frames(load_vae(model, device)), face_loss, checkpointing)


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
