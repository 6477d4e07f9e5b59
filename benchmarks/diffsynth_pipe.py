"""DiffSynth-Studio's pipeline for Wan2.1-VACE-1.3B with random weights; for `diffsynth_step.py` and `diffsynth_video.py`."""

from typing import Any

import torch
from diffsynth.models.wan_video_dit import WanModel, precompute_freqs_cis_3d
from diffsynth.models.wan_video_text_encoder import WanTextEncoder
from diffsynth.models.wan_video_vace import VaceWanModel
from diffsynth.models.wan_video_vae import WanVideoVAE
from diffsynth.pipelines.wan_video import WanVideoPipeline
from PIL import Image
from steps import fill_randomly

SIZES = {"dim": 1536, "ffn_dim": 8960, "num_heads": 12, "eps": 1e-6, "has_image_input": False, "patch_size": (1, 2, 2)}


def random_pipeline(*, text_encoder: bool) -> Any:
    """All parts on the device, frozen, in bfloat16; without a text encoder text embeddings are made up."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pipe = WanVideoPipeline(device=device, torch_dtype=torch.bfloat16)
    with torch.device("meta"):
        pipe.dit = WanModel(**SIZES, in_dim=16, out_dim=16, text_dim=4096, freq_dim=256, num_layers=30)
        pipe.vace = VaceWanModel(**SIZES)
        pipe.text_encoder = WanTextEncoder() if text_encoder else NoEncoder()
    for model in (pipe.dit, pipe.vace, pipe.text_encoder):
        fill_randomly(model.to(torch.bfloat16), device)
        model.requires_grad_(False)
    pipe.dit.freqs = precompute_freqs_cis_3d(SIZES["dim"] // SIZES["num_heads"])  # the meta device took them along
    pipe.vae = WanVideoVAE().to(device, torch.bfloat16)
    pipe.tokenizer = lambda *_, **__: (torch.randint(1000, (1, 512)), torch.ones(1, 512, dtype=torch.long))
    return pipe


class NoEncoder(torch.nn.Module):
    """Made-up text embeddings, for a pipeline whose prompts were encoded before."""

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.randn(1, 512, 4096, dtype=torch.bfloat16, device=ids.device)


def noise_video(width: int, height: int, frames: int) -> list[Image.Image]:
    """Pictures of noise."""
    return [Image.effect_noise((width, height), 50).convert("RGB") for _ in range(frames)]
