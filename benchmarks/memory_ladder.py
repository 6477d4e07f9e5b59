"""What each rung of `render.memory` takes, beside what `make plan` predicts: a published model's size with random weights.

usage: python benchmarks/memory_ladder.py [--model wan2.1-vace-1.3b] [--width 832] [--height 480] [--frames 81]

Each rung renders a clip in one denoising step without guidance, with LoRA, face and reference, and decodes it. Predicted is what
the tensors take, measured the most that torch held. It needs a GPU: main memory does not tell the rungs apart.
"""

import argparse

import torch
from random_model import EMBEDDING, MODEL, ROOT, clip_shape, random_transformer
from steps import fill_randomly, peak_memory, seconds

from facedance.config import params
from facedance.config.sections import RenderMemory, WanModel
from facedance.plan.parts import count_parts
from facedance.plan.peaks import GIB, MEMORY_LADDER, memory_name, rendering_peak
from facedance.wan.adapter import adapter_config, attach
from facedance.wan.architectures import ARCHITECTURES, meta_vae
from facedance.wan.load import choose_device, new_scheduler
from facedance.wan.memory import load_for
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
    wan = chosen.models[given.model].model_copy(update={"width": given.width, "height": given.height, "frames": given.frames})
    parts = count_parts(ARCHITECTURES[given.model], chosen.train, torch.bfloat16, EMBEDDING)
    print(f"{given.model} on {torch.cuda.get_device_name()}, {given.width}x{given.height}, {given.frames} frames")
    for memory in MEMORY_LADDER:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        took = rendered(given.model, chosen, wan, memory)
        predicted = rendering_peak(parts, wan, memory, frames=given.frames).bytes / GIB
        print(f"{memory_name(memory):20} {took:8.1f} s  {peak_memory():6.2f} GiB, predicted {predicted:6.2f}")


def rendered(model: str, chosen: params.Params, wan: WanModel, memory: RenderMemory) -> float:
    """Seconds of the one step and the decoding, after the model was loaded."""
    device = choose_device()
    transformer, vae = random_transformer(model, torch.device("cpu")), meta_vae(ARCHITECTURES[model])
    fill_randomly(vae, device)
    transformer = load_for(memory, transformer, device)
    branch = attach(transformer, adapter_config(chosen.train, transformer, EMBEDDING), chosen.train.seed)
    pipeline = FaceVACEPipeline(None, None, vae, new_scheduler(), transformer)
    pipeline.set_progress_bar_config(disable=True)
    if memory.tiled_decoding:
        vae.enable_tiling()
    clip = clip_shape(model, wan, wan.frames)
    control = ControlLatents(control=torch.randn(96, *clip), reference=torch.randn(16, 1, *clip[1:]))
    face, text = torch.nn.functional.normalize(torch.randn(1, EMBEDDING), dim=-1), torch.randn(512, 4096)
    settings = chosen.render.settings.model_copy(update={"steps": 1, "guidance_scale": 1.0})
    return seconds(
        lambda: render_frames(pipeline, branch, control, face=face, prompt=text, negative_prompt=text, settings=settings)
    )


if __name__ == "__main__":
    main()
