"""A training step of DiffSynth-Studio on Wan2.1-VACE-1.3B with random weights; `training_step.py` runs it with its Python.

It calls what DiffSynth's training script calls: the pipeline's units, which encode text and videos, and its flow-matching loss
on a peft LoRA. Prints seconds and peak memory in GiB: of a step as it is by default, or of one with --encoded before.
"""

import argparse

import torch
from diffsynth.diffusion.loss import FlowMatchSFTLoss
from diffsynth.diffusion.training_module import DiffusionTrainingModule
from diffsynth.models.wan_video_dit import WanModel, precompute_freqs_cis_3d
from diffsynth.models.wan_video_text_encoder import WanTextEncoder
from diffsynth.models.wan_video_vace import VaceWanModel
from diffsynth.models.wan_video_vae import WanVideoVAE
from diffsynth.pipelines.wan_video import WanVideoPipeline
from PIL import Image
from steps import fastest, fill_randomly, peak_memory

SIZES = {"dim": 1536, "ffn_dim": 8960, "num_heads": 12, "eps": 1e-6, "has_image_input": False, "patch_size": (1, 2, 2)}


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser()
    for name in ("width", "height", "frames", "rank", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--encoded", action="store_true")
    given = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pipe = WanVideoPipeline(device=device, torch_dtype=torch.bfloat16)
    with torch.device("meta"):
        pipe.dit = WanModel(**SIZES, in_dim=16, out_dim=16, text_dim=4096, freq_dim=256, num_layers=30)
        pipe.vace = VaceWanModel(**SIZES)
        pipe.text_encoder = NoEncoder() if given.encoded else WanTextEncoder()
    for model in (pipe.dit, pipe.vace, pipe.text_encoder):
        fill_randomly(model.to(torch.bfloat16), device)
        model.requires_grad_(False)
    pipe.dit.freqs = precompute_freqs_cis_3d(SIZES["dim"] // SIZES["num_heads"])  # the meta device took them along
    pipe.vae = WanVideoVAE().to(device, torch.bfloat16)
    pipe.tokenizer = lambda *_, **__: (torch.randint(1000, (1, 512)), torch.ones(1, 512, dtype=torch.long))
    DiffusionTrainingModule().add_lora_to_model(pipe.dit, ["q", "k", "v", "o"], given.rank, upcast_dtype=torch.bfloat16)
    pipe.scheduler.set_timesteps(1000, training=True)
    learned = [p for p in pipe.dit.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4)

    def encoded() -> dict:
        clip = [Image.effect_noise((given.width, given.height), 50).convert("RGB") for _ in range(given.frames)]
        shared = {
            "input_video": clip, "vace_video": clip, "vace_reference_image": clip[:1], "vace_scale": 1, "cfg_scale": 1,
            "height": given.height, "width": given.width, "num_frames": given.frames, "rand_device": device, "tiled": False,
            "cfg_merge": False, "use_gradient_checkpointing": True, "use_gradient_checkpointing_offload": False,
        }  # fmt: skip
        inputs = (shared, {"prompt": "a dance", "positive": True}, {})
        with torch.no_grad():
            for unit in pipe.units:
                inputs = pipe.unit_runner(unit, pipe, *inputs)
        return {**inputs[0], **inputs[1]}

    def learn(inputs: dict) -> None:
        FlowMatchSFTLoss(pipe, **inputs).backward()
        optimizer.step()
        optimizer.zero_grad()

    ready = encoded() if given.encoded else None
    took = fastest(lambda: learn(encoded() if ready is None else dict(ready)), given.steps)
    print(f"{took:.3f} {peak_memory():.2f}")


class NoEncoder(torch.nn.Module):
    """Made-up text embeddings: the second stage of its two-stage training has no text encoder."""

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.randn(1, 512, 4096, dtype=torch.bfloat16, device=ids.device)


if __name__ == "__main__":
    main()
