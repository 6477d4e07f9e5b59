"""Items to learn from, with noise and conditions, as the transformer takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from facedance.files import digest
from facedance.train.items import Item
from facedance.wan import flow

REFERENCE_WEIGHT = 0.3
"""Of the loss on the reference's latent frame: enough to keep the model on the frame that it denoises there."""


@dataclass(frozen=True)
class Example:
    """Items, each at its noise level, as the transformer takes them: F = T', and one frame more with a reference in front."""

    latents: Tensor  # (B, z, F, h, w)
    target: Tensor  # (B, z, F, h, w)
    control: Tensor  # (B, c, F, h, w)
    weight: Tensor  # (B, 1, F, h, w)
    face: Tensor  # (B, 1, F, h, w) in [0, 1]
    landmarks: Tensor | None  # (B, 5, 2) of the face in the last frame, in pixels
    text: Tensor  # (B, 512, text dim)
    embedding: Tensor  # (B, 1, D); zeros for no face
    shown: Tensor  # (B, D) whose face the recogniser is to see; zeros for nobody's
    sigma: Tensor  # (B,)
    chance: tuple[int, ...]  # for each item the seed of what else is left to chance
    with_lora: bool  # whether the LoRA is for it


def make_example(
    item: Item,
    *,
    text: Tensor,
    embedding: Tensor,
    sigma: float,
    with_reference: bool,
    face_weight: float,
    random: torch.Generator,
) -> Example:
    """An item with noise and conditions. The loss counts 1 + face_weight in the face and nothing on padding.

    The recogniser is to see the face of the `embedding` (D,), and the LoRA is for it.

    The reference is laid out as WanVACEPipeline does: one latent frame in front, whose control is the reference itself
    with zeros for the reactive half and the mask.
    """
    video, control, face, weight = item.video, item.control, item.face, item.seen * (1 + face_weight * item.face)
    if with_reference and item.reference is not None:
        missing = control.new_zeros(control.shape[0] - item.reference.shape[0], *item.reference.shape[1:])
        video = torch.cat([item.reference, video], dim=1)
        control = torch.cat([torch.cat([item.reference, missing]), control], dim=1)
        face = torch.cat([torch.zeros_like(face[:, :1]), face], dim=1)
        weight = torch.cat([torch.full_like(weight[:, :1], REFERENCE_WEIGHT), weight], dim=1)
    noise = torch.randn(video.shape, generator=random)
    return Example(
        latents=flow.noised(video, noise, sigma)[None],
        target=flow.velocity(video, noise)[None],
        control=control[None],
        weight=weight[None],
        face=face[None],
        landmarks=None if item.landmarks is None else item.landmarks[None],
        text=text[None],
        embedding=embedding[None, None],
        shown=embedding[None],
        sigma=torch.tensor([sigma]),
        chance=(int(torch.randint(2**31, (), generator=random)),),
        with_lora=True,
    )


def stacked(examples: Sequence[Example]) -> list[Example]:
    """The same items with those of one shape and one adapter together, for fewer and larger operations."""
    alike: dict[tuple[torch.Size, bool, bool], list[Example]] = {}
    for example in examples:
        alike.setdefault((example.latents.shape, example.landmarks is None, example.with_lora), []).append(example)
    return [_together(group) for group in alike.values()]


def _together(examples: Sequence[Example]) -> Example:
    def joined(name: str) -> Any:
        values = [getattr(example, name) for example in examples]
        return torch.cat(values) if isinstance(values[0], Tensor) else values[0]

    chances = tuple(chance for example in examples for chance in example.chance)
    return Example(**{field.name: joined(field.name) for field in fields(Example)} | {"chance": chances})


def generator(*place: int) -> torch.Generator:
    """A random generator that depends on its place only, such as seed, step and index."""
    return torch.Generator().manual_seed(int(digest(place)[:15], 16))
