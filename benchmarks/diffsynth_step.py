"""A training step of DiffSynth-Studio on Wan2.1-VACE-1.3B with random weights; `training_step.py` runs it with its Python.

It calls what DiffSynth's training script calls: the pipeline's units, which encode text and videos, and its flow-matching loss
on a peft LoRA. Prints seconds and peak memory in GiB: of a step as it is by default, or of one with --encoded before.
"""

import argparse

import torch
from diffsynth.diffusion.loss import FlowMatchSFTLoss
from diffsynth.diffusion.training_module import DiffusionTrainingModule
from diffsynth_pipe import noise_video, random_pipeline
from steps import fastest, peak_memory


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser()
    for name in ("width", "height", "frames", "rank", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--encoded", action="store_true")
    given = parser.parse_args()
    pipe = random_pipeline(text_encoder=not given.encoded)
    DiffusionTrainingModule().add_lora_to_model(pipe.dit, ["q", "k", "v", "o"], given.rank, upcast_dtype=torch.bfloat16)
    pipe.scheduler.set_timesteps(1000, training=True)
    learned = [p for p in pipe.dit.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4)

    def encoded() -> dict:
        clip = noise_video(given.width, given.height, given.frames)
        shared = {
            "input_video": clip, "vace_video": clip, "vace_reference_image": clip[:1], "vace_scale": 1, "cfg_scale": 1,
            "height": given.height, "width": given.width, "num_frames": given.frames, "rand_device": pipe.device,
            "tiled": False, "cfg_merge": False, "use_gradient_checkpointing": True, "use_gradient_checkpointing_offload": False,
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


if __name__ == "__main__":
    main()
