"""Denoising steps with guidance, single passes with each switch on and off, the VAE, and what needs less memory."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from diffusers import WanVACEPipeline
from memory_ladder import person_pipeline, rendered
from random_model import TEXT, random_adapter, random_faces, random_inputs, random_transformer, random_vae
from rendering import diffusers_video
from steps import beginnings, fastest, seconds

from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.plan.activations import decoding_bytes, denoising_bytes, latent_shape, tiled_decoding_bytes, token_count
from facedance.plan.peaks import MEMORY_LADDER, memory_name, rendering_peak
from facedance.wan.adapter import apply_adapters
from facedance.wan.guidance import passes_of
from facedance.wan.load import new_scheduler
from facedance.wan.pipeline import FaceVACEPipeline
from facedance.wan.speed import quicken
from gpu.acts import Acts, Measured
from gpu.scene import Scene, new_scene

_STEPS = 3
_RESIDENT = RenderMemory(weights="resident", tiled_decoding=False)
_OFFLOADED = RenderMemory(weights="offloaded", tiled_decoding=True)
_OF_TORCH = ("_native_flash", "_native_cudnn", "_native_efficient")
_OF_OTHERS = ("flash", "_flash_3", "sage", "flash_hub", "_flash_3_hub", "sage_hub")
"""Diffusers' names: torch's own kernels, each by itself, and those of other packages, installed or from the hub."""


def video(small: bool) -> Acts:
    """A whole video with LoRA, face, reference and guidance, as a rendering makes it."""
    scene = new_scene(small)
    pipeline, branch = person_pipeline(scene.name, scene.train, _RESIDENT)
    yield "denoising step with guidance, LoRA and face", functools.partial(_video, scene, pipeline, branch, memory=_RESIDENT)
    pipeline.batched_guidance = True
    yield "the same, guidance in one batch", functools.partial(_video, scene, pipeline, branch, memory=_RESIDENT)


def diffusers(small: bool) -> Acts:
    """Steps of diffusers' own pipeline, and of ours without a person's adapter."""
    scene = new_scene(small)
    transformer, vae = random_transformer(scene.name, scene.device), random_vae(scene.name, scene.device)
    pipelines = [kind(None, None, vae, new_scheduler(), transformer) for kind in (WanVACEPipeline, FaceVACEPipeline)]
    for pipeline in pipelines:
        pipeline.set_progress_bar_config(disable=True)
    theirs = diffusers_video(pipelines[0], scene.wan, torch.randn(TEXT), scene.render.guidance_scale)
    yield "WanVACEPipeline, a step", functools.partial(_steps, scene, transformer, lambda: theirs(_STEPS), passes=2)
    yield "ours without an adapter, a step", functools.partial(_video, scene, pipelines[1], None)


def ladder(small: bool) -> Acts:
    """A step without guidance on each rung of `render.memory`, and offloaded with a stream."""
    scene = new_scene(small)
    for memory in MEMORY_LADDER:
        yield memory_name(memory), functools.partial(_rung, scene, memory)
    yield f"{memory_name(_OFFLOADED)}, with a stream", functools.partial(_rung, scene, _OFFLOADED, streamed=True)


def vae(small: bool) -> Acts:
    """Encoding and decoding a clip in float32, as a whole and in tiles."""
    scene = new_scene(small)
    model = random_vae(scene.name, scene.device)
    weights, (wan, frames) = scene.parts.vae.bytes, (scene.wan, scene.wan.frames)
    latents = torch.randn(1, 16, *scene.clip, device=scene.device)

    def encode() -> Any:
        return model.encode(torch.randn(1, 3, frames, *wan.largest[::-1], device=scene.device))

    for tiled, predicted in ((False, decoding_bytes), (True, tiled_decoding_bytes)):
        manner = ", in tiles" if tiled else ""
        decode = functools.partial(model.decode, latents)
        yield f"decode a clip{manner}", functools.partial(_vae, model, tiled, decode, weights + predicted(model, wan, frames))
        yield f"encode a clip{manner}", functools.partial(_vae, model, tiled, encode, None)


def passes(small: bool) -> Acts:
    """Single passes: what LoRA and face cost, a fused LoRA, two in a batch, and other attention."""
    scene = new_scene(small)
    transformer = random_transformer(scene.name, scene.device)
    one, two = (random_inputs(scene.with_reference, scene.device, count) for count in (1, 2))
    adapters = {"somebody": (random_adapter(transformer, scene.train), 1.0)}
    timed = functools.partial(_pass, scene, transformer)
    yield "pass", functools.partial(timed, one, None)
    branch = apply_adapters(transformer, adapters, 1.0)
    yield "pass, LoRA", functools.partial(timed, one, None)
    yield "pass, LoRA, face", functools.partial(timed, one, branch, predicted=_pass_bytes(scene))
    yield "two passes in a batch, LoRA, face, each", functools.partial(timed, two, branch)
    for backend in (*_OF_TORCH, *_OF_OTHERS):
        yield (
            f"pass, LoRA, face, attention {backend}",
            functools.partial(_with_attention, transformer, backend, functools.partial(timed, one, branch)),
        )
    transformer.fuse_lora()
    yield "pass, LoRA fused, face", functools.partial(timed, one, branch)
    transformer.unfuse_lora()
    transformer.disable_lora()
    yield "pass, LoRA disabled, face", functools.partial(timed, one, branch)


def compiled(small: bool) -> Acts:
    """A pass of compiled blocks."""
    scene = new_scene(small)
    transformer = random_transformer(scene.name, scene.device)
    branch = apply_adapters(transformer, {"somebody": (random_adapter(transformer, scene.train), 1.0)}, 1.0)
    quicken(transformer, RenderSpeed(compiled=True, attention="native"))
    inputs = random_inputs(scene.with_reference, scene.device)
    yield "pass, LoRA, face, compiled", functools.partial(_pass, scene, transformer, inputs, branch)


def _video(scene: Scene, pipeline: Any, branch: Any, *, memory: RenderMemory | None = None) -> Measured:
    settings = scene.render.model_copy(update={"steps": _STEPS})
    passes = passes_of(settings)
    at_once = passes if pipeline.batched_guidance else 1
    peak = None
    if memory is not None:
        peak = rendering_peak(scene.parts, scene.wan, memory, frames=scene.wan.frames, passes=at_once).bytes
    return _steps(scene, pipeline.transformer, lambda: rendered(pipeline, branch, scene.clip, settings), passes, peak)


def _steps(scene: Scene, model: Any, act: Callable[[], Any], passes: int, predicted: int | None = None) -> Measured:
    """Mean seconds of the steps that another follows, in a video of _STEPS steps that need so many passes, stacked or not."""
    with beginnings(model) as times:
        took = seconds(act)
    step = (times[len(times) // _STEPS * (_STEPS - 1)] - times[0]) / (_STEPS - 1)
    return Measured(step, passes * scene.work(scene.with_reference), predicted, f"{took - _STEPS * step:.1f} s beside the steps")


def _rung(scene: Scene, memory: RenderMemory, *, streamed: bool = False) -> Measured:
    pipeline, branch = person_pipeline(scene.name, scene.train, memory, streamed=streamed)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()  # making it took more than rendering may
    settings = scene.render.model_copy(update={"steps": _STEPS, "guidance_scale": 1.0})
    predicted = rendering_peak(scene.parts, scene.wan, memory, frames=scene.wan.frames).bytes
    return _steps(scene, pipeline.transformer, lambda: rendered(pipeline, branch, scene.clip, settings), 1, predicted)


def _vae(model: Any, tiled: bool, act: Callable[[], Any], predicted: int | None) -> Measured:
    (model.enable_tiling if tiled else model.disable_tiling)()
    with torch.no_grad():
        return Measured(fastest(act, 1), predicted=predicted)


@torch.no_grad()
def _pass(scene: Scene, transformer: Any, inputs: dict[str, Any], branch: Any, *, predicted: int | None = None) -> Measured:
    """Seconds a clip of the faster of two passes; the first one's, which is not counted, are told where it took far longer."""
    count = len(inputs["timestep"])
    face = random_faces(count)[:, None].to(scene.device)

    def act() -> None:
        if branch is None:
            transformer(**inputs)
        else:
            with branch.condition(face, 1.0):
                transformer(**inputs)

    first, took = seconds(act), fastest(act, 1)
    note = f"{first:.0f} s the first time" if first > 3 * took + 1 else ""
    return Measured(took / count, scene.work(scene.with_reference), predicted, note)


def _with_attention(transformer: Any, backend: str, act: Callable[[], Measured]) -> Measured:
    transformer.set_attention_backend(backend)
    try:
        return act()
    finally:
        transformer.set_attention_backend("native")  # a reset would leave the last one in use, for all models


def _pass_bytes(scene: Scene) -> int:
    parts = scene.parts
    tokens = token_count(latent_shape(parts.autoencoder, scene.wan, scene.wan.frames), parts.widths.patch, references=1)
    return parts.transformer.bytes + parts.adapter.bytes + denoising_bytes(parts.widths, tokens)
