"""What one step of the tiny transformer's training sees: a batch of one kind, all of one shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.train.example import REFERENCE_WEIGHT
from facedance.wan.flow import noised, shifted, velocity
from lab.tiny.fast_transformer import Text
from lab.tiny.model import SPATIAL_FACTOR
from lab.tiny.world_latents import World

HEAD = 8  # latent pixels: side of the window around a head
TEXT_TOKENS = 24
DRAWN = 0.5  # difference of latents, root mean square, from which something is drawn there
SHIFT = 2.5  # of the noise levels
EMBEDDING_NOISE = 0.01  # standard deviation of each entry
GENERIC = "a person dancing in a studio, clear face, full body, natural light"
NEGATIVE = "blurred face, distorted face, extra limbs, text, watermark"
"""Prompts that tell nothing of the scene; those of params.yaml."""


@dataclass(frozen=True)
class Kind:
    """A kind of batch: scenes of one frame or clips, heads or whole pictures, with or without a reference in front."""

    size: int
    clips: bool
    frames: int  # T', from the first on
    heads: bool
    reference: bool

    @property
    def name(self) -> str:
        """As it stands in logs."""
        scene = "clip" if self.clips else "still"
        return f"{scene}{'/head' if self.heads else ''}{'/reference' if self.reference else ''}"


HEADS = Kind(size=64, clips=False, frames=1, heads=True, reference=False)
STILLS = Kind(size=10, clips=False, frames=1, heads=False, reference=True)
HEAD_CLIPS = Kind(size=4, clips=True, frames=17, heads=True, reference=False)
CLIPS = Kind(size=2, clips=True, frames=9, heads=False, reference=False)
REFERENCE_CLIPS = Kind(size=1, clips=True, frames=17, heads=False, reference=True)

PICTURES = (HEADS, HEADS, STILLS)
MOVING = (HEADS, HEAD_CLIPS, STILLS, HEADS, CLIPS, HEADS, STILLS, HEAD_CLIPS, HEADS, STILLS, REFERENCE_CLIPS)


@dataclass(frozen=True)
class Batch:
    """Noisy latents with their conditions; F = T', and one more with a reference."""

    latents: Tensor  # (B, z, F, h, w)
    target: Tensor  # (B, z, F, h, w)
    weight: Tensor  # (B, 1, F, h, w)
    landmarks: Tensor  # (B, F, 5, 2) of the face, in pixels; NaN where none is found
    control: Tensor  # (B, c, F, h, w)
    text: Text
    faces: Tensor  # (B, D) of length 1
    scale: Tensor  # (B,) 0 where the face is dropped
    sigma: Tensor  # (B,)

    def denoised(self, velocity: Tensor) -> Tensor:
        """Latents without noise (B, z, F, h, w), as this velocity says; the target says what they were."""
        return self.latents - each(self.sigma) * velocity


def draw_batch(
    world: World,
    prompts: Mapping[str, Tensor],
    inactive: Tensor,
    kind: Kind,
    *,
    people: int,
    estimated: float,
    head_weight: float,
    dropout: float,
    random: torch.Generator,
    body_weight: float = 0.0,
) -> Batch:
    """A batch of the first `people` people, with a share of `estimated` of poses as the landmarker sees them.

    The loss counts 1 + head_weight in the head, and body_weight more where the pose is drawn. `prompts` are embeddings (512,
    text dim), `inactive` (z, T', h, w) the latents of VACE's inactive half.
    """
    source = "clip" if kind.clips else "still"
    count = int((world.tensors[f"{source}/person"] < people).sum())  # they lie in the order of their people
    chosen = torch.randint(count, (kind.size,), generator=random)
    landmarks = world.tensors[f"{source}/landmarks"][chosen, : kind.frames]
    video, control, head = (
        torch.stack([world.tensors[f"{source}/{name}"][i, :, : kind.frames].float() for i in chosen])
        for name in ("video", "control", "head")
    )
    if estimated:
        seen = torch.stack([world.tensors[f"{source}/estimated"][i, :, : kind.frames].float() for i in chosen])
        control = torch.where(each(torch.rand(kind.size, generator=random) < estimated), seen, control)
    weight = 1 + head_weight * head
    if body_weight:
        weight = weight + body_weight * drawn_poses(control)
    idle = inactive[:, : kind.frames].expand(kind.size, -1, -1, -1, -1)
    mask = torch.ones(kind.size, SPATIAL_FACTOR**2, *video.shape[2:])
    control = torch.cat([idle, control, mask], dim=1)
    if kind.heads:
        (video, control, weight), corners = around_heads(head, (video, control, weight), random)
        landmarks = landmarks - SPATIAL_FACTOR * corners[:, None, None]
    shown = world.tensors[f"{source}/person"][chosen]
    if kind.reference:
        reference = world.tensors["reference"][shown].float()
        padded = F.pad(reference, (0, 0, 0, 0, 0, 0, 0, control.shape[1] - reference.shape[1]))
        video, control = torch.cat([reference, video], dim=2), torch.cat([padded, control], dim=2)
        weight = torch.cat([torch.full_like(weight[:, :, :1], REFERENCE_WEIGHT), weight], dim=2)
        landmarks = F.pad(landmarks, (0, 0, 0, 0, 1, 0), value=torch.nan)
    noise = torch.randn(video.shape, generator=random)
    u = torch.rand(kind.size, generator=random)
    sigma = shifted(u, SHIFT)
    words = [world.prompts[i] for i in world.tensors[f"{source}/prompt"][chosen]]
    said = [spoken(word, float(draw)) for word, draw in zip(words, torch.rand(kind.size, generator=random), strict=True)]
    return Batch(
        latents=noised(video, noise, each(sigma)),
        target=velocity(video, noise),
        weight=weight,
        landmarks=landmarks,
        control=control,
        text=Text.of([prompts[word] for word in said], TEXT_TOKENS),
        faces=mixed_embeddings(world.tensors["embedding"][shown], random),
        scale=(torch.rand(kind.size, generator=random) >= dropout).float(),
        sigma=sigma,
    )


def each(values: Tensor) -> Tensor:
    """(B,) as (B, 1, 1, 1, 1)."""
    return values.reshape(-1, 1, 1, 1, 1)


def spoken(prompt: str, draw: float) -> str:
    """The prompt, or now and then nothing, or nothing that tells."""
    return "" if draw < 0.1 else NEGATIVE if draw < 0.2 else GENERIC if draw < 0.4 else prompt


def mixed_embeddings(views: Tensor, random: torch.Generator) -> Tensor:
    """(B, D) somewhere between the views (B, V, D) of each person."""
    share = torch.rand(views.shape[:2], generator=random).softmax(dim=1)[..., None] if views.shape[1] > 1 else 1.0
    mixed = (views * share).sum(1)
    return F.normalize(mixed + EMBEDDING_NOISE * torch.randn(mixed.shape, generator=random), dim=1)


def drawn_poses(control: Tensor) -> Tensor:
    """Where latents of poses on black (B, z, T', h, w) are not as in most places, and next to it: 1, else 0; (B, 1, T', h, w)."""
    most = control.flatten(3).median(3).values[..., None, None]
    drawn = (control - most).square().mean(1, keepdim=True).sqrt() > DRAWN
    return F.max_pool3d(drawn.float(), (1, 3, 3), 1, (0, 1, 1))


def around_heads(head: Tensor, parts: Sequence[Tensor], random: torch.Generator) -> tuple[list[Tensor], Tensor]:
    """Parts (B, c, T', h, w), cut to windows (HEAD, HEAD) around heads (B, 1, T', h, w), and their corners (B, 2), x and y."""
    cut, corners = [], []
    for i in range(len(head)):
        places = head[i, 0].amax(0).nonzero().float()
        middle = places.mean(0) if len(places) else torch.full((2,), head.shape[-1] / 2)
        corner = middle - (HEAD - 1) / 2 + 0.8 * torch.randn(2, generator=random)
        y, x = (round(float(c)) for c in corner.clamp(0, head.shape[-1] - HEAD))
        cut.append([part[i, :, :, y : y + HEAD, x : x + HEAD] for part in parts])
        corners.append([x, y])
    return [torch.stack(column) for column in zip(*cut, strict=True)], torch.tensor(corners)


def batch_rng(seed: int, step: int) -> torch.Generator:
    """The generator of one step."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1))
