"""Rendering the clips of the benchmark, by the pipeline's own steps."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.config.sections import WanModel
from facedance.faces.aggregate import blend, interpolate
from facedance.faces.photos import read_picture
from facedance.files import atomic
from facedance.job import InputError
from facedance.latents.encode import encode_prompts
from facedance.video.pictures import Frames
from facedance.wan.adapter import apply_adapters, read_adapter, remove_adapters
from facedance.wan.encoder import LatentEncoder
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pipeline import ControlLatents, load_pipeline, render_frames
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.identity.clips import Clip
from lab.identity.recipes import ADAPTERS, LORA, VAE, Recipe, Variant, sources
from lab.identity.sitters import Sitter


class Studio:
    """A model with a trained face branch, loaded once.

    Raises:
        InputError: the model comes without a face branch.
    """

    def __init__(
        self,
        model: Path,
        wan: WanModel,
        settings: RenderSettings,
        memory: RenderMemory,
        speed: RenderSpeed,
        prompts: Mapping[str, str],
        embedding_dim: int,
    ) -> None:
        branch = load_face_branch(model / FACE_BRANCH, embedding_dim)
        if branch is None:
            raise InputError(f"{model} has no trained face branch, so there is nothing to measure: choose model: tiny")
        self._model, self._wan, self._settings, self._prompts = model, wan, settings, prompts
        self._pipeline = load_pipeline(model, wan, memory, speed)
        self._branch = branch.to(self._pipeline.transformer.device).eval().requires_grad_(False)
        self._encoder = LatentEncoder(self._pipeline.vae, *wan.sizes[0])

    def render(
        self, clip: Clip, own: Sitter, other: Sitter, seed: int, recipes: Sequence[Recipe]
    ) -> Iterator[tuple[Recipe, Frames]]:
        """Each recipe's frames (T, h, w, 3) of a clip."""
        settings = self._settings
        texts = {"clip": clip.prompt, "negative": self._prompts[settings.negative_prompt]}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "prompts.safetensors"
            encode_prompts(self._model, self._wan, texts, path)
            prompts = load_file(path)
        control = {"estimated": self._encoder.control(clip.control), "known": self._encoder.control(clip.known)}
        for recipe in recipes:
            with self._equipped(recipe, own) as branch:
                frames = render_frames(
                    self._pipeline,
                    branch,
                    ControlLatents(control[recipe.pose], self._references(recipe, own, other)),
                    face=_face(recipe, own, other),
                    prompt=prompts["clip"],
                    negative_prompt=prompts["negative"],
                    settings=settings.model_copy(update={"face_scale": recipe.face_scale, "seed": seed}),
                )
            yield recipe, frames

    def render_all(self, clip: Clip, own: Sitter, other: Sitter, seed: int, variants: Sequence[Variant], out: Path) -> None:
        """Write what `score_clip` looks at: frames by each recipe, under the name that `sources` gives, and through the VAE."""
        names = sources(variants)
        renders = self.render(clip, own, other, seed, list(names))
        frames = {VAE: self._encoder.decode(self._encoder.video(clip.truth))} | {names[recipe]: made for recipe, made in renders}
        with atomic(out) as temporary:
            save_file({name: np.ascontiguousarray(made) for name, made in frames.items()}, temporary)

    @contextlib.contextmanager
    def _equipped(self, recipe: Recipe, own: Sitter) -> Iterator[FaceBranch | None]:
        """The transformer with what a recipe adds to it; gives the face branch, if it takes part."""
        transformer = self._pipeline.transformer
        if recipe.lora:
            adapter = read_adapter(own.folder / LORA / ADAPTERS[recipe.lora])
            branch = apply_adapters(transformer, {own.name: (adapter, 1.0)}, 1.0)
            yield None if recipe.face is None else branch
            remove_adapters(transformer, branch)
        elif recipe.face is None:
            yield None
        else:
            self._branch.attach(transformer)
            yield self._branch
            self._branch.detach()

    def _references(self, recipe: Recipe, own: Sitter, other: Sitter) -> tuple[Tensor, ...]:
        if recipe.reference is None:
            return ()
        who = own if recipe.reference == "own" else other
        return (self._encoder.reference(read_picture(who.folder / "reference.png")),)


def _face(recipe: Recipe, own: Sitter, other: Sitter) -> Tensor:
    """The embedding (1, D) of a recipe."""
    if recipe.face == "blend":
        mixed = blend({"own": own.embedding, "other": other.embedding}, {"own": 0.5, "other": 0.5})
    else:
        mixed = interpolate(own.embedding, other.embedding, recipe.face or 0.0)
    return torch.from_numpy(mixed.vector)[None]
