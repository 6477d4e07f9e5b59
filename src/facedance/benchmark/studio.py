"""Rendering the clips of the benchmark, by the pipeline's own steps."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from facedance.benchmark.clips import Clip
from facedance.benchmark.people import Sitter
from facedance.benchmark.recipes import Recipe
from facedance.faces.identity import blend, interpolate
from facedance.params import Params
from facedance.video import Frames
from facedance.wan.adapter import apply_adapters, read_adapter, remove_adapters
from facedance.wan.encoder import LatentEncoder
from facedance.wan.face_branch import FaceBranch
from facedance.wan.latents import encode_prompts
from facedance.wan.pipeline import ControlLatents, load_pipeline, render_frames


class Studio:
    """A model, loaded once.

    Args:
        branch: the face branch that came with it, not attached.
        adapter: gives the file of the adapter that a recipe's `lora` names, for a person.
        folder: for the prompts' embeddings.
    """

    def __init__(
        self, model: Path, params: Params, branch: FaceBranch, adapter: Callable[[str, Sitter], Path], folder: Path
    ) -> None:
        self._model, self._params, self._adapter, self._folder = model, params, adapter, folder
        self._pipeline = load_pipeline(model, params.wan, params.render.memory, params.render.speed)
        self._branch = branch.to(self._pipeline.transformer.device).eval().requires_grad_(False)
        self._encoder = LatentEncoder(self._pipeline.vae, params.wan.width, params.wan.height)

    def stage(self, clip: Clip) -> Callable[[Recipe, Sitter, Sitter, int], Frames]:
        """What renders this clip: (recipe, own, other, seed) to frames (T, h, w, 3)."""
        settings = self._params.render.settings
        texts = {"clip": clip.prompt, "negative": self._params.prompts[settings.negative_prompt]}
        encode_prompts(self._model, texts, self._pipeline.transformer.dtype, self._folder / "prompts.safetensors")
        prompts = load_file(self._folder / "prompts.safetensors")
        control = {"estimated": self._encoder.control(clip.control), "known": self._encoder.control(clip.known)}

        def render(recipe: Recipe, own: Sitter, other: Sitter, seed: int) -> Frames:
            with self._equipped(recipe, own) as branch:
                return render_frames(
                    self._pipeline,
                    branch,
                    ControlLatents(control[recipe.pose], self._reference(recipe, own, other)),
                    face=_face(recipe, own, other),
                    prompt=prompts["clip"],
                    negative_prompt=prompts["negative"],
                    settings=settings.model_copy(update={"face_scale": recipe.face_scale, "seed": seed}),
                )

        return render

    @torch.no_grad()
    def through_vae(self, frames: Frames) -> Frames:
        """Frames (T, h, w, 3) encoded and decoded: the most that any latents can show."""
        vae = self._pipeline.vae
        mean, std = (torch.tensor(v).view(-1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
        latents = self._encoder.video(frames) * std + mean
        video = vae.decode(latents[None].to(vae.device, vae.dtype)).sample
        shown: Frames = (self._pipeline.video_processor.postprocess_video(video)[0] * 255).round().astype("uint8")
        return shown

    @contextlib.contextmanager
    def _equipped(self, recipe: Recipe, own: Sitter) -> Iterator[FaceBranch | None]:
        """The transformer with what a recipe adds to it; gives the face branch, if it takes part."""
        transformer = self._pipeline.transformer
        if recipe.lora:
            branch = apply_adapters(transformer, {own.name: (read_adapter(self._adapter(recipe.lora, own)), 1.0)}, 1.0)
            yield None if recipe.face is None else branch
            remove_adapters(transformer, branch)
        elif recipe.face is None:
            yield None
        else:
            self._branch.attach(transformer)
            yield self._branch
            self._branch.detach()

    def _reference(self, recipe: Recipe, own: Sitter, other: Sitter) -> Tensor | None:
        if recipe.reference is None:
            return None
        return self._encoder.reference((own if recipe.reference == "own" else other).reference)


def _face(recipe: Recipe, own: Sitter, other: Sitter) -> Tensor:
    """The embedding (1, D) of a recipe."""
    if recipe.face == "blend":
        mixed = blend({"own": own.embedding, "other": other.embedding}, {"own": 0.5, "other": 0.5})
    else:
        mixed = interpolate(own.embedding, other.embedding, recipe.face or 0.0)
    return torch.from_numpy(mixed.vector)[None]
