"""Videos by DiffSynth-Studio, Wan2.1-VACE-1.3B with random weights; `rendering.py` runs it with its Python.

Prints seconds of a video with each of the given numbers of denoising steps, and peak memory in GiB. Prompts cost nothing here.
"""

import argparse

import torch
from diffsynth_pipe import noise_video, random_pipeline
from steps import fastest, peak_memory


@torch.no_grad()
def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser()
    for name in ("width", "height", "frames", "times"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--guidance", type=float, required=True)
    parser.add_argument("--steps", type=int, nargs="+", required=True)
    given = parser.parse_args()
    pipe = random_pipeline(text_encoder=False)
    control = noise_video(given.width, given.height, given.frames)

    def video(steps: int) -> None:
        pipe(
            prompt="a dance", negative_prompt="", vace_video=control, vace_reference_image=control[0], seed=0, tiled=False,
            height=given.height, width=given.width, num_frames=given.frames, cfg_scale=given.guidance,
            num_inference_steps=steps, progress_bar_cmd=lambda steps: steps,
        )  # fmt: skip

    took = [fastest(lambda steps=steps: video(steps), given.times) for steps in given.steps]
    print(*(f"{seconds:.3f}" for seconds in took), f"{peak_memory():.2f}")


if __name__ == "__main__":
    main()
