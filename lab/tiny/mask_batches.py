"""What a step sees of the training on videos of which a part is given: a batch of one kind, all of one shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.train.example import REFERENCE_WEIGHT
from facedance.wan.flow import noised, shifted, velocity
from lab.tiny.batches import GENERIC, SHIFT, Batch, around_heads, drawn_poses, each, mixed_embeddings, spoken
from lab.tiny.conditions import continued, with_references
from lab.tiny.fast_transformer import Text
from lab.tiny.model import SPATIAL_FACTOR
from lab.tiny.recipe import MaskShare, TinyMaskRound, TinyTransformer
from lab.tiny.wide import like, wide_scenes
from lab.tiny.world_latents import World

TEXT_TOKENS = 32  # two dancers' clothes are 24
GIVEN = (1, 5, 9, 13)  # frames of which a clip goes on; those that are fewer than its own
GIVEN_NOISE = 0.1  # largest deviation of the noise on given frames in half of the clips: rendered ones are not as drawn
PATCHES = 3  # along each side, of which given frames have drifted each in its own way


@dataclass(frozen=True)
class MaskKind:
    """A kind of batch: which scenes of the world, how many at once, how many frames of them, and which conditions."""

    source: Literal["clip", "region", "close", "duet", "wide", "size"]
    size: int
    frames: int  # T', from the first on
    heads: bool = False  # windows around heads


KINDS: dict[MaskShare, MaskKind] = {
    "long": MaskKind("clip", 1, 17),
    "going": MaskKind("clip", 2, 9),
    "going_heads": MaskKind("clip", 4, 17, heads=True),
    "region": MaskKind("region", 2, 9),
    "close": MaskKind("close", 2, 9),
    "duet": MaskKind("duet", 2, 9),
    "wide": MaskKind("wide", 2, 9),
    "size": MaskKind("size", 2, 9),
    "size_long": MaskKind("size", 1, 17),
}
_GOLDEN = 0.6180339887498949


def kind_of(shares: Mapping[MaskShare, int], step: int) -> tuple[MaskShare, int]:
    """The kind of a step (from 1), and how many of its kind came before, with kinds spread evenly over the steps."""
    names = [name for name, share in shares.items() for _ in range(share)]
    order = sorted(range(len(names)), key=lambda i: (i * _GOLDEN) % 1)
    cycle = [names[i] for i in order]
    rounds, place = divmod(step - 1, len(cycle))
    name = cycle[place]
    return name, rounds * shares[name] + cycle[:place].count(name)


def draw_masked(
    world: World, prompts: Mapping[str, Tensor], idle: Tensor, kind: MaskKind, recipe: TinyTransformer, phase: TinyMaskRound,
    random: torch.Generator,
) -> Batch:  # fmt: skip
    """A batch of a kind, in a round of the training.

    Of two dancers, `faces` are (B, 2, D), `scale` (B, 2, F, h, w) and `landmarks` (B, 2, F, 5, 2). Faces that are given, or cut
    off, have no landmarks.

    Args:
        idle: latents (z, T', h, w) of a zero video.
    """
    rows = wide_scenes(world.tensors, kind.size, random) if kind.source == "wide" else world.tensors
    chosen = torch.randint(len(rows[f"{kind.source}/video"]), (kind.size,), generator=random)

    def part(name: str) -> Tensor:
        return rows[f"{kind.source}/{name}"][chosen][..., : kind.frames, :, :].float()

    video, head = part("video"), part("head")
    idle = like(idle[:, : kind.frames], video)
    shown = rows[f"{kind.source}/person"][chosen]  # (B,) or (B, 2)
    landmarks = part("landmarks")
    if kind.source in ("region", "close"):
        control = torch.cat([part("inactive"), part("reactive"), part("mask")], dim=1)
    else:
        estimated = each(torch.rand(kind.size, generator=random) < recipe.rounds[-1].estimated)
        poses = torch.where(estimated, part("estimated"), part("control"))
        control = continued(video, poses, idle, _given(kind, random))
    made = control[:, -(SPATIAL_FACTOR**2) :].mean(1, keepdim=True)  # (B, 1, T', h, w)
    weight = 1 + recipe.head_weight * head + (0 if kind.heads else phase.body * drawn_poses(reactive(control)))
    landmarks = _to_make(landmarks, made)
    if kind.source in ("clip", "size", "wide"):
        control = _rough(control, made, random)
    if kind.heads:
        (video, control, weight), corners = around_heads(head, (video, control, weight), random)
        landmarks = landmarks - SPATIAL_FACTOR * corners[:, None, None]
    references, anchored = ([], False) if kind.heads else _references(world, rows, kind, chosen, random)
    if anchored and phase.drifted:
        control = _drifted(control, made, phase.drifted, random)
    control = with_references(control, references)
    for reference in references:
        video = torch.cat([reference, video], dim=2)
        weight = torch.cat([torch.full_like(weight[:, :, :1], REFERENCE_WEIGHT), weight], dim=2)
    landmarks = F.pad(landmarks, (0, 0, 0, 0, len(references), 0), value=torch.nan)
    noise = torch.randn(video.shape, generator=random)
    sigma = shifted(torch.rand(kind.size, generator=random), SHIFT)
    faces = mixed_embeddings(world.tensors["embedding"][shown.flatten()], random).unflatten(0, shown.shape)
    seen = (torch.rand(shown.shape, generator=random) >= recipe.face_dropout).float()
    if kind.source in ("duet", "wide"):
        # A reference in front is each dancer's as much as the first frame is.
        region = F.pad(part("region"), (0, 0, 0, 0, len(references), 0), mode="replicate")
        if kind.source == "wide" and len(references) > 1:  # but a head is its own person's
            region[:, :, anchored : anchored + 2] = torch.eye(2).flip(0)[..., None, None]  # the second one's is in front
        seen = seen[..., None, None, None] * region
    words = [GENERIC if kind.source == "wide" else world.prompts[i] for i in rows[f"{kind.source}/prompt"][chosen]]
    draws = phase.told * torch.rand(kind.size, generator=random)
    said = [spoken(word, float(draw)) for word, draw in zip(words, draws, strict=True)]
    return Batch(
        latents=noised(video, noise, each(sigma)),
        target=velocity(video, noise),
        weight=weight,
        landmarks=landmarks,
        control=control,
        text=Text.of([prompts[word] for word in said], TEXT_TOKENS),
        faces=faces,
        scale=seen,
        sigma=sigma,
    )


def _given(kind: MaskKind, random: torch.Generator) -> int:
    """How many first frames are given."""
    if kind.source == "duet":
        return 0
    allowed = [given for given in ((0, *GIVEN) if kind.source in ("size", "wide") else GIVEN) if given < kind.frames]
    return allowed[int(torch.randint(len(allowed), (), generator=random))]


def shows_one_dancer(kind: MaskKind) -> bool:
    """Whether it shows the whole of one dancer."""
    return kind.source in ("clip", "size") and not kind.heads


def to_make(control: Tensor) -> Tensor:
    """Which frames (B, F) of controls (B, c, F, h, w) are to be made, and not given in any part."""
    return control[:, -(SPATIAL_FACTOR**2) :].amin((1, 3, 4)) > 0.5


def reactive(control: Tensor) -> Tensor:
    """The half of controls (B, c, F, h, w) that holds what is to be made."""
    channels = (control.shape[1] - SPATIAL_FACTOR**2) // 2
    return control[:, channels : 2 * channels]


def _rough(control: Tensor, made: Tensor, random: torch.Generator) -> Tensor:
    """With noise on the given frames of half of the clips."""
    strength = GIVEN_NOISE * (2 * torch.rand(len(control), generator=random) - 1).clamp(min=0)
    noise = torch.randn(_inactive(control).shape, generator=random)
    return _with_inactive(control, _inactive(control) + each(strength) * (1 - made) * noise)


def _drifted(control: Tensor, made: Tensor, most: float, random: torch.Generator) -> Tensor:
    """With colours of the given frames that are off by at most this deviation, here and there by something else.

    What is to be made has the colours of the anchor: so frames that have drifted are led back.
    """
    inactive = _inactive(control)
    strength = most * torch.rand(len(control), generator=random)
    places = torch.randn(*inactive.shape[:2], PATCHES, PATCHES, generator=random)
    off = F.interpolate(places, inactive.shape[-2:], mode="bilinear")[:, :, None]
    return _with_inactive(control, inactive + each(strength) * (1 - made) * off)


def _inactive(control: Tensor) -> Tensor:
    return control[:, : (control.shape[1] - SPATIAL_FACTOR**2) // 2]


def _with_inactive(control: Tensor, inactive: Tensor) -> Tensor:
    return torch.cat([inactive, control[:, inactive.shape[1] :]], dim=1)


def _references(
    world: World, rows: Mapping[str, Tensor], kind: MaskKind, chosen: Tensor, random: torch.Generator
) -> tuple[list[Tensor], bool]:
    """Latents (B, z, 1, h, w), as `reference_images` has them: heads, and last an anchor; and whether there is an anchor."""
    head, anchor = (torch.rand(2, generator=random) < 0.5).tolist()
    shown = rows[f"{kind.source}/person"][chosen]
    people = shown[:, None] if shown.ndim == 1 else shown
    heads = [world.tensors["reference"][person].float() for person in people.T] if head else []
    found = [like(picture, rows[f"{kind.source}/video"]) for picture in heads]
    if anchored := anchor and kind.source in ("clip", "size", "wide"):
        found.append(rows[f"{kind.source}/anchor"][chosen].float())
    return found, anchored


def _to_make(landmarks: Tensor, made: Tensor) -> Tensor:
    """Landmarks (B, T', 5, 2) or (B, 2, T', 5, 2), NaN where the face is given, or its nose lies outside of the picture."""
    cells = (landmarks[..., 4, :] / SPATIAL_FACTOR).nan_to_num(-1).floor().long()  # (B, [2,] T', 2)
    inside = (cells >= 0).all(-1) & (cells[..., 0] < made.shape[-1]) & (cells[..., 1] < made.shape[-2])
    x, y = cells.clamp(min=0).unbind(-1)
    x, y = x.clamp(max=made.shape[-1] - 1), y.clamp(max=made.shape[-2] - 1)
    batch = torch.arange(len(made)).reshape(-1, *[1] * (x.ndim - 1))
    known = inside & (made[batch, 0, torch.arange(made.shape[2]), y, x] > 0.5)
    return landmarks.masked_fill(~known[..., None, None], torch.nan)
