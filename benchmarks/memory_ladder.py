"""What each rung of `render.memory` takes, beside what `make plan` predicts: a published model's size with random weights.

usage: python benchmarks/memory_ladder.py [--model wan2.1-vace-1.3b] [--width 832] [--height 480] [--frames 81]

Each rung renders a clip in one denoising step without guidance, with LoRA, face and reference, and decodes it. Predicted is what
the tensors take, measured the most that torch held. It needs a GPU: main memory does not tell the rungs apart.
"""

import argparse
from typing import Any

import torch
from random_model import (
    EMBEDDING,
    MODEL,
    ROOT,
    TEXT,
    clip_shape,
    random_adapter,
    random_faces,
    random_transformer,
    random_vae,
)
from steps import peak_memory, seconds

from facedance.config import params
from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import RenderMemory
from facedance.config.sections import Train, WanModel
from facedance.plan.parts import count_parts
from facedance.plan.peaks import GIB, MEMORY_LADDER, memory_name, rendering_peak
from facedance.wan.adapter import apply_adapters
from facedance.wan.architectures import ARCHITECTURES
from facedance.wan.differences import fuse_loras
from facedance.wan.load import choose_device, new_scheduler
from facedance.wan.memory import load_for, offload
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, render_frames


def main() -> None:
    """Print a line for each rung."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=ARCHITECTURES, default=MODEL)
    for name, size in {"width": 832, "height": 480, "frames": 81}.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch sees no GPU")
    chosen = params.load(ROOT / "params.yaml")
    wan = chosen.models[given.model].model_copy(update={"sizes": ((given.width, given.height),), "frames": given.frames})
    parts = count_parts(ARCHITECTURES[given.model], chosen.train, torch.bfloat16, EMBEDDING)
    print(f"{given.model} on {torch.cuda.get_device_name()}, {given.width}x{given.height}, {given.frames} frames")
    for memory in MEMORY_LADDER:
        took = one_step(given.model, chosen, wan, memory)
        predicted = rendering_peak(parts, wan, memory, frames=given.frames).bytes / GIB
        print(f"{memory_name(memory):20} {took:8.1f} s  {peak_memory():6.2f} GiB, predicted {predicted:6.2f}")


def one_step(model: str, chosen: params.Params, wan: WanModel, memory: RenderMemory) -> float:
    """Seconds of the one step and the decoding, after the model was loaded; torch counts the most memory from there on."""
    pipeline, branch = person_pipeline(model, chosen.train, memory)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    settings = chosen.render.settings.model_copy(update={"steps": 1, "guidance_scale": 1.0})
    return seconds(lambda: rendered(pipeline, branch, clip_shape(model, wan, wan.frames), settings))


def person_pipeline(model: str, train: Train, memory: RenderMemory, *, streamed: bool = False) -> tuple[Any, Any]:
    """One of MODELS with a person's adapter, ready as rendering makes it, and the adapter's face branch."""
    device = choose_device()
    transformer, vae = random_transformer(model, device), random_vae(model, device)
    adapters = {"somebody": (random_adapter(transformer, train), 1.0)}
    transformer = load_for(memory, transformer.to("cpu"), device)
    branch = apply_adapters(transformer, adapters, 1.0)
    if memory.weights != "float8":
        fuse_loras(transformer, for_good=True)
    if memory.weights == "offloaded":
        offload(transformer, branch, device, streamed=streamed)
    pipeline = FaceVACEPipeline(None, None, vae, new_scheduler(), transformer)
    pipeline.set_progress_bar_config(disable=True)
    if memory.tiled_decoding:
        vae.enable_tiling()
    return pipeline, branch


def rendered(pipeline: Any, branch: Any, clip: tuple[int, int, int], settings: RenderSettings) -> Any:
    """Frames of a clip (T', h, w) of noise with a reference, somebody's face and a prompt."""
    control = ControlLatents(control=torch.randn(96, *clip), references=(torch.randn(16, 1, *clip[1:]),))
    text = torch.randn(TEXT)
    return render_frames(pipeline, branch, control, face=random_faces(), prompt=text, negative_prompt=text, settings=settings)


if __name__ == "__main__":
    main()
