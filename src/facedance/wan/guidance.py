"""The passes of guidance one after the other, or in one batch: with text and face, without the face, and without either."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.wan.face_branch import FaceBranch, PlacedFace

Faces = Tensor | Sequence[PlacedFace]
"""A face (F, D) in the whole picture, or several in their regions, with embeddings (1, F, D)."""


def passes_of(settings: RenderSettings) -> int:
    """Forward passes that a denoising step takes."""
    if settings.guidance_scale <= 1:
        return 1
    return 2 + (settings.face_gain != 1 and settings.face_scale != 0)


@contextlib.contextmanager
def guided(
    pipeline: Any, branch: FaceBranch | None, face: Faces, negative: Tensor, settings: RenderSettings, *, batched: bool
) -> Iterator[None]:
    """Let a WanVACEPipeline that is called inside the block see a face or several, and guide it as the settings say.

    `negative` (512, text dim) is what the pipeline gets too. Where the passes are `batched`, their predictions differ from those
    of single passes by what a matrix product's rounding depends on its height.
    """
    count = passes_of(settings) if batched else 1
    if count == 1:
        with _seeing(branch, _expanded(face, 1), settings.face_scale, settings.face_gain):
            yield
        return
    scales = torch.tensor([settings.face_scale] + [0.0] * (count - 1))  # a zero adds nothing, to the bit
    transformer = pipeline.transformer
    pipeline.transformer = _OneBatch(transformer, negative, count, settings.face_gain)
    try:
        with _seeing(branch, _expanded(face, count), scales, 1.0):
            yield
    finally:
        pipeline.transformer = transformer


def _expanded(face: Faces, count: int) -> Faces:
    """The same in each of so many passes."""
    if isinstance(face, Tensor):
        return face.expand(count, -1, -1)
    return [replace(one, embeddings=one.embeddings.expand(count, -1, -1)) for one in face]


def _seeing(
    branch: FaceBranch | None, faces: Faces, scale: float | Tensor, gain: float
) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if branch is None else branch.condition(faces, scale, gain)


class _OneBatch:
    """Stands in a pipeline for its transformer: the first pass computes all, and the second finds its prediction there.

    Of three, the one without the face is for `gain`, as in `FaceBranch.condition`.
    """

    def __init__(self, transformer: Any, negative: Tensor, count: int, gain: float) -> None:
        self._transformer, self._negative, self._count, self._gain = transformer, negative, count, gain
        self._pass = ""
        self._without: Tensor | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transformer, name)

    @contextlib.contextmanager
    def cache_context(self, name: str) -> Iterator[None]:
        self._pass = name
        with self._transformer.cache_context(name):
            yield

    def __call__(
        self, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, control_hidden_states: Tensor, **others: Any
    ) -> tuple[Tensor]:
        if self._pass == "uncond":
            assert self._without is not None
            return (self._without,)
        texts = encoder_hidden_states.expand(self._count - 1, -1, -1)
        latents, times, control = (
            tensor.expand(self._count, *tensor.shape[1:]) for tensor in (hidden_states, timestep, control_hidden_states)
        )
        (found,) = self._transformer(
            hidden_states=latents,
            timestep=times,
            encoder_hidden_states=torch.cat([texts, self._negative[None].to(texts)]),
            control_hidden_states=control,
            **others,
        )
        full, *no_face, self._without = found.split(1)
        return (torch.lerp(no_face[0], full, self._gain) if no_face else full,)
