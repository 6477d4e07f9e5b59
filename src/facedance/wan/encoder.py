"""Pictures to the latents that Wan2.1-VACE sees, exactly as diffusers' WanVACEPipeline makes them."""

from typing import Any

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from diffusers import WanVACEPipeline
from numpy.typing import NDArray
from torch import Tensor

from facedance.wan.load import know_vae, latent_statistics

Frames = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""


class LatentEncoder:
    """A VAE at one frame size. Latents are the mode of the posterior, normalised with the VAE's mean and std, on the CPU.

    The pipeline itself does the preprocessing only: it would encode the inactive half of every control video anew, though
    with an all-white mask that half is the zero video. Here it is encoded once for each length.
    """

    def __init__(self, vae: Any, width: int, height: int) -> None:
        self._pipeline = WanVACEPipeline(tokenizer=None, text_encoder=None, vae=vae, scheduler=None, transformer=None)
        know_vae(self._pipeline)
        self._vae = vae
        self._width, self._height = width, height
        self._inactive: dict[int, Tensor] = {}

    def video(self, frames: Frames) -> Tensor:
        """Latents (z, T', h, w) of T = 4n+1 frames (T, H, W, 3), resized to the encoder's size."""
        return self._encode(self._pixels(frames))

    def control(self, frames: Frames) -> Tensor:
        """VACE's channels (2z + mask, T', h, w) of a control video of which every pixel is to be generated.

        The parts are, in this order, the latents of the inactive (zero) video, those of the control video, and the mask,
        whose channels are the pixels under one latent pixel.
        """
        length = len(frames)
        if length not in self._inactive:
            self._inactive[length] = self._encode(torch.zeros(1, 3, length, self._height, self._width))
        reactive = self._encode(self._pixels(frames))
        mask = torch.ones(self._pipeline.vae_scale_factor_spatial**2, *reactive.shape[1:])
        return torch.cat([self._inactive[length], reactive, mask])

    def continued(self, given: Frames, control: Frames) -> Tensor:
        """VACE's channels (2z + mask, T', h, w) of T frames, of which the first G are given and the others to be generated.

        Args:
            given: (G, H, W, 3).
            control: (T - G, H, W, 3), the control video of the others.
        """
        kept, pose = self._pixels(given), self._pixels(control)
        made = torch.cat([torch.zeros(len(given)), torch.ones(len(control))])[:, None, None]
        return self._masked(torch.cat([kept, pose], dim=2), made.expand(-1, self._height, self._width))

    def masked(self, pictures: Frames, mask: NDArray[np.bool_]) -> Tensor:
        """VACE's channels (2z + mask, T', h, w) of T frames, of which what the mask shows is to be generated.

        Args:
            pictures: (T, H, W, 3) in the encoder's size, the control video where the mask is, what is given elsewhere.
            mask: (T, H, W).
        """
        return self._masked(self._pixels(pictures), torch.from_numpy(mask).float())

    def _masked(self, pixels: Tensor, made: Tensor) -> Tensor:
        """Of pixels (1, 3, T, H, W) in [-1, 1] and a mask (T, H, W), 1 where something is to be made."""
        inactive, reactive = self._encode(pixels * (1 - made)), self._encode(pixels * made)
        side = self._pipeline.vae_scale_factor_spatial
        cells = made.unflatten(1, (-1, side)).unflatten(3, (-1, side))  # (T, h, side, w, side)
        channels = cells.permute(2, 4, 0, 1, 3).flatten(0, 1)  # (side * side, T, h, w)
        # As the pipeline brings a mask to the latents' rate.
        return torch.cat([inactive, reactive, F.interpolate(channels[None], size=reactive.shape[1:], mode="nearest-exact")[0]])

    def reference(self, image: Frames) -> Tensor:
        """Latent (z, 1, h, w) of a picture (H, W, 3), scaled to fit the frame and padded with white."""
        _, _, ((padded,),) = self._pipeline.preprocess_conditions(
            reference_images=[PIL.Image.fromarray(image)],
            height=self._height,
            width=self._width,
            num_frames=1,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )
        return self._encode(padded[None, :, None])

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Frames:
        """Frames (T, h, w, 3) of normalised latents (z, T', h, w)."""
        mean, std = latent_statistics(self._vae)
        video = self._vae.decode((latents * std + mean)[None].to(self._vae.device, self._vae.dtype)).sample
        shown: Frames = (self._pipeline.video_processor.postprocess_video(video)[0] * 255).round().astype("uint8")
        return shown

    def _pixels(self, frames: Frames) -> Tensor:
        pictures = [PIL.Image.fromarray(frame) for frame in frames]
        pixels: Tensor = self._pipeline.video_processor.preprocess_video(pictures, self._height, self._width)
        return pixels  # (1, 3, T, h, w) in [-1, 1]

    @torch.no_grad()
    def _encode(self, pixels: Tensor) -> Tensor:
        mean, std = latent_statistics(self._vae)
        latents: Tensor = self._vae.encode(pixels.to(self._vae.device, self._vae.dtype)).latent_dist.mode()[0]
        # Multiplied by the reciprocal, as the pipeline does: a division differs in the last bit.
        return (latents.float().cpu() - mean) * (1.0 / std)
