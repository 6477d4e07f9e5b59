"""Loading the parts of a Wan2.1-VACE model from a local folder in diffusers' layout."""

import logging
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACETransformer3DModel
from diffusers.video_processor import VideoProcessor
from transformers import AutoTokenizer, UMT5EncoderModel

from facedance.config.sections import WanModel
from facedance.gpus import own_gpu
from facedance.wan.device import refuse_slow_cpu


def choose_device(wan: WanModel | None = None) -> torch.device:
    """A GPU if there is one, of several one that is free, else the CPU.

    Raises:
        InputError: `wan` is a published model, and there is no GPU, or nobody can tell which is free.
    """
    if torch.cuda.is_available():
        if number := own_gpu() or 0:  # of several that are all taken the first
            torch.cuda.set_device(number)
        return torch.device("cuda", number)
    if wan is not None:
        refuse_slow_cpu(wan)
    return torch.device("cpu")


def load_transformer(folder: Path, dtype: torch.dtype, device: torch.device | str) -> Any:
    """The WanVACETransformer3DModel, frozen."""
    transformer = WanVACETransformer3DModel.from_pretrained(
        folder, subfolder="transformer", torch_dtype=dtype, local_files_only=True, use_safetensors=True
    )
    return transformer.to(device).eval().requires_grad_(False)


def load_vae(folder: Path, device: torch.device) -> Any:
    """The AutoencoderKLWan, frozen; in float32, because its decoder shows stripes in anything less."""
    vae = AutoencoderKLWan.from_pretrained(
        folder, subfolder="vae", torch_dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    return vae.to(device).eval().requires_grad_(False)


def latent_statistics(vae: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (z, 1, 1, 1) of an AutoencoderKLWan's latents, on the CPU."""
    mean, std = (torch.tensor(v).view(-1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
    return mean, std


def load_text(folder: Path, dtype: torch.dtype, device: torch.device) -> tuple[Any, Any]:
    """The tokenizer and the UMT5EncoderModel, frozen."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=dtype, local_files_only=True, use_safetensors=True)
    return tokenizer, encoder.to(device).eval().requires_grad_(False)


def new_scheduler() -> Any:
    """The scheduler that Wan's repositories come with; `with_shift` gives it a render's shift."""
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)


def load_scheduler(folder: Path) -> Any:
    """The UniPCMultistepScheduler, with the shift of the model's folder."""
    return UniPCMultistepScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True)


def with_shift(scheduler: Any, flow_shift: float) -> Any:
    """The same UniPCMultistepScheduler, from now on with another shift of its timesteps."""
    scheduler.register_to_config(flow_shift=flow_shift)
    return scheduler


def frames_for(latent_frames: int, factor: int) -> int:
    """What to ask a WanVACEPipeline for, to get so many latent frames from a VAE with this temporal factor.

    It makes the number one more than a multiple of the factor, and so adds one where the factor is 1.
    """
    return (latent_frames - 1) * factor + (factor > 1)


def _is_no_rounding_by_one(record: logging.LogRecord) -> bool:
    return "has to be divisible by 1." not in record.getMessage()


def know_vae(pipeline: Any) -> None:
    """Tell a WanVACEPipeline how its VAE shrinks videos: it counts stages, and overlooks patches that a VAE begins with."""
    config = pipeline.vae.config
    if config.scale_factor_temporal == 1:  # see `frames_for`
        logging.getLogger("diffusers.pipelines.wan.pipeline_wan_vace").addFilter(_is_no_rounding_by_one)
    pipeline.vae_scale_factor_spatial = config.scale_factor_spatial
    pipeline.vae_scale_factor_temporal = config.scale_factor_temporal
    pipeline.video_processor = VideoProcessor(vae_scale_factor=config.scale_factor_spatial)
