"""Diffusers' WanVACEPipeline on conditioning that has been encoded before, with a face."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import WanVACEPipeline
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.config.sections import WanModel
from facedance.wan.encoder import Frames, LatentEncoder
from facedance.wan.face_branch import FaceBranch
from facedance.wan.guidance import Faces, guided
from facedance.wan.load import choose_device, frames_for, know_vae, load_scheduler, load_transformer, load_vae, with_shift
from facedance.wan.memory import load_for
from facedance.wan.speed import quicken
from facedance.wan.start import Start, starting, steps_from
from facedance.wan.step_cache import extrapolating


@dataclass(frozen=True)
class ControlLatents:
    """What VACE is conditioned on, encoded and normalised.

    `control` is (2 z + mask, T', h, w): inactive and reactive latents and the mask. `references` are (z, 1, h, w) each, in
    the order of the pipeline's `reference_images`, of which the last one becomes the first frame.
    """

    control: Tensor
    references: tuple[Tensor, ...] = ()

    @property
    def frames(self) -> int:
        """Latent frames T' of the video, without references."""
        return self.control.shape[1]


class FaceVACEPipeline(WanVACEPipeline):
    """WanVACEPipeline whose `video` may be `ControlLatents`; everything else, `__call__` included, is the base class's.

    It needs neither text encoder nor tokenizer when prompts come as embeddings. The face comes from a FaceBranch that is
    attached to the transformer, by `condition` around the call.
    """

    batched_guidance = False
    """Whether `render_frames` computes the passes of guidance in one batch."""

    def __init__(
        self,
        tokenizer: Any,
        text_encoder: Any,
        vae: Any,
        scheduler: Any,
        transformer: Any = None,
        transformer_2: Any = None,
        boundary_ratio: float | None = None,
    ) -> None:
        super().__init__(tokenizer, text_encoder, vae, scheduler, transformer, transformer_2, boundary_ratio)
        know_vae(self)

    def preprocess_conditions(
        self, video: Any = None, mask: Any = None, reference_images: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """As in the base class. ControlLatents pass through, in the places of video, mask and references."""
        if not isinstance(video, ControlLatents):
            return super().preprocess_conditions(video, mask, reference_images, *args, **kwargs)
        return video, video, [[*video.references]]

    def prepare_video_latents(self, video: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Inactive and reactive latents (1, 2 z, R + T', h, w), with each reference and zeros as a frame before them."""
        if not isinstance(video, ControlLatents):
            return super().prepare_video_latents(video, *args, **kwargs)
        latents = video.control[: 2 * self.vae.config.z_dim].to(self._execution_device, self.vae.dtype)
        for reference in (reference.to(latents) for reference in video.references):
            latents = torch.cat([torch.cat([reference, torch.zeros_like(reference)]), latents], dim=1)
        return latents[None]

    def prepare_masks(self, mask: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Mask (1, spatial factor squared, R + T', h, w), zero for references."""
        if not isinstance(mask, ControlLatents):
            return super().prepare_masks(mask, *args, **kwargs)
        channels = mask.control[2 * self.vae.config.z_dim :].to(self._execution_device, torch.float32)
        return F.pad(channels, (0, 0, 0, 0, len(mask.references), 0))[None]


def load_pipeline(folder: Path, wan: WanModel, memory: RenderMemory, speed: RenderSpeed) -> FaceVACEPipeline:
    """Transformer, VAE and scheduler of a model for the device that is there; no text encoder.

    Raises:
        InputError: as `quicken`.
    """
    device = choose_device(wan)
    transformer = load_transformer(folder, getattr(torch, wan.dtype), "cpu")
    quicken(transformer, speed)
    pipeline = FaceVACEPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=load_vae(folder, device),
        scheduler=load_scheduler(folder),
        transformer=load_for(memory, transformer, device),
    )
    pipeline.batched_guidance = speed.batched_guidance
    if memory.tiled_decoding:
        pipeline.vae.enable_tiling()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def encoder_of(pipeline: FaceVACEPipeline, control: Tensor) -> LatentEncoder:
    """The pipeline's VAE, for pictures of the size of this conditioning (2 z + mask, T', h, w)."""
    height, width = (side * pipeline.vae_scale_factor_spatial for side in control.shape[2:])
    return LatentEncoder(pipeline.vae, width, height)


def latent_frame(pipeline: FaceVACEPipeline, frame: int) -> int:
    """The latent frame in which a frame of a video is."""
    return -(-frame // pipeline.vae_scale_factor_temporal)


@torch.no_grad()
def render_frames(
    pipeline: FaceVACEPipeline,
    branch: FaceBranch | None,
    control: ControlLatents,
    *,
    face: Faces,
    prompt: Tensor,
    negative_prompt: Tensor,
    settings: RenderSettings,
    start: Start | None = None,
) -> Frames:
    """Frames (T, H, W, 3) of one video, made from nothing but noise or from a `start`.

    A step's prediction is none + guidance_scale (text - none) + face_guidance (full - text): of no text and no face, of
    the text alone, and of text and face. Without a face_guidance it is guidance_scale too.

    `face` is (F, D) of length 1, F being 1 or the clip's latent frames, or such faces in regions, of whose branches `branch` is
    the attached one; the prompts' embeddings are (512, text dim).
    The noise is drawn on the CPU, so that a seed means the same on every device.
    """
    factor, generator = pipeline.vae_scale_factor_spatial, torch.Generator("cpu").manual_seed(settings.seed)
    steps = settings.steps if start is None else steps_from(start.level, settings.steps)
    with_shift(pipeline.scheduler, settings.flow_shift)
    with (
        contextlib.nullcontext() if start is None else starting(pipeline, start.level),
        extrapolating(pipeline.transformer, steps, settings.cache_interval),
        guided(pipeline, branch, face, negative_prompt, settings, batched=pipeline.batched_guidance),
    ):
        video = pipeline(
            video=control,
            prompt_embeds=prompt[None].to(pipeline.transformer.device),
            negative_prompt_embeds=negative_prompt[None].to(pipeline.transformer.device),
            height=control.control.shape[2] * factor,
            width=control.control.shape[3] * factor,
            num_frames=frames_for(control.frames, pipeline.vae_scale_factor_temporal),
            num_inference_steps=steps,
            guidance_scale=settings.guidance_scale,
            conditioning_scale=settings.control_scale,
            latents=None if start is None else start.noised(control.references, generator),
            generator=generator,
        ).frames[0]  # (T, H, W, 3) in [0, 1]
    frames: Frames = np.round(video * 255).astype(np.uint8)
    return frames
