"""How long a video takes here, in diffusers' WanVACEPipeline and in DiffSynth-Studio: Wan2.1-VACE-1.3B with random weights.

usage: python benchmarks/rendering.py [--peer PYTHON] [--width 128] [--height 128] [--frames 9] [--guidance 5] [--steps 2 6]

PYTHON is the interpreter of another environment: python -m venv peer && peer/bin/pip install diffsynth torch. Two videos of
different numbers of denoising steps tell what a step takes, and what a video takes beside its steps: here the control video
lies encoded in a file, as the pipeline keeps it; there it is encoded for each video. Prompts are encoded before everywhere.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import WanVACEPipeline
from PIL import Image
from random_model import EMBEDDING, MODEL, ROOT, TEXT, ask, clip_shape, random_faces, random_transformer, random_vae
from steps import fastest, peak_memory

from facedance.config import params
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import WanModel
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.load import choose_device, new_scheduler
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, render_frames


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path)
    for name, default in {"width": 128, "height": 128, "frames": 9, "times": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--steps", type=int, nargs=2, default=[2, 6])
    given = parser.parse_args()
    rows = []
    if given.peer:
        sizes = [f"--{name}={getattr(given, name)}" for name in ("width", "height", "frames", "times", "guidance")]
        steps = ["--steps", *map(str, given.steps)]
        rows.append(("DiffSynth", *ask(given.peer, "diffsynth_video.py", [*sizes, *steps])))
    rows += ours(given)
    print(f"{MODEL} on {choose_device()}, {given.width}x{given.height}, {given.frames} frames, guidance {given.guidance:g}")
    base = next(row for row in rows if row[0] == "WanVACEPipeline")
    fewer, more = given.steps
    for name, short, long, peak in rows:
        step, step_there = (long - short) / (more - fewer), (base[2] - base[1]) / (more - fewer)
        rest = short - fewer * step
        print(f"{name:28} {step:7.2f} s a step ({step / step_there:.3f}), {rest:6.2f} s beside them, {peak:5.2f} GiB at most")


def ours(given: argparse.Namespace) -> list[tuple[str, float, float, float]]:
    """A row for diffusers' pipeline and for each way in which ours runs; peak memory never falls from row to row."""
    chosen, device = params.load(ROOT / "params.yaml"), choose_device()
    transformer, vae = random_transformer(MODEL, device), random_vae(MODEL, device)
    wan = chosen.models[MODEL].model_copy(update={"sizes": ((given.width, given.height),), "frames": given.frames})
    clip = clip_shape(MODEL, wan, wan.frames)
    parts = {"tokenizer": None, "text_encoder": None, "vae": vae, "scheduler": new_scheduler(), "transformer": transformer}
    plain, pipeline = WanVACEPipeline(**parts), FaceVACEPipeline(**parts)
    text = torch.randn(TEXT)
    control = ControlLatents(control=torch.randn(96, *clip), references=(torch.randn(16, 1, *clip[1:]),))
    face = random_faces()

    def by_us(branch: Any, face_scale: float) -> Callable[[int], Any]:
        def video(steps: int) -> Any:
            settings = {"steps": steps, "guidance_scale": given.guidance, "face_scale": face_scale}
            asked: RenderSettings = chosen.render.settings.model_copy(update=settings)
            return render_frames(pipeline, branch, control, face=face, prompt=text, negative_prompt=text, settings=asked)

        return video

    for shown in (plain, pipeline):
        shown.set_progress_bar_config(disable=True)

    def row(name: str, video: Callable[[int], Any]) -> tuple[str, float, float, float]:
        fewer, more = (fastest(lambda steps=steps: video(steps), given.times) for steps in given.steps)  # type: ignore[misc]
        return name, fewer, more, peak_memory()

    rows = [
        row("WanVACEPipeline", diffusers_video(plain, wan, text, given.guidance)),
        row("facedance, no face", by_us(None, 0.0)),
    ]
    branch = attach(transformer, adapter_config(chosen.train, transformer, EMBEDDING), seed=0)
    transformer.disable_adapters()  # the LoRA that comes with it
    return [*rows, row("facedance, face", by_us(branch, 1.0))]


def diffusers_video(pipeline: Any, wan: WanModel, text: torch.Tensor, guidance: float) -> Callable[[int], Any]:
    """What renders a video by a WanVACEPipeline in so many steps, from pictures of noise and a prompt (512, text dim)."""
    pictures = [Image.effect_noise(wan.largest, 50).convert("RGB") for _ in range(wan.frames)]
    prompt = text[None].to(pipeline.transformer.device, pipeline.transformer.dtype)

    @torch.no_grad()
    def video(steps: int) -> Any:
        return pipeline(
            video=pictures, reference_images=[pictures[0]], prompt_embeds=prompt, negative_prompt_embeds=prompt,
            height=wan.largest[1], width=wan.largest[0], num_frames=wan.frames, num_inference_steps=steps,
            guidance_scale=guidance,
        )  # fmt: skip

    return video


if __name__ == "__main__":
    main()
