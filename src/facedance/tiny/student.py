"""A small differentiable student of the recogniser, which knows what a VAE and a transformer do to a face."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facedance.files import atomic
from facedance.job import InputError
from facedance.tiny.fast_vae import from_bytes
from facedance.tiny.sightings import HEAD_IN_CROP, SIDE, head_crops

WIDTHS = (32, 48, 96, 128, 192)  # of the first layer and of the blocks, of which all but the first halve the picture
GROUPS = 8
RATE, DECAY = 1.5e-3, 0.05
WARMUP = 50
BATCH = 32  # pairs
HELD_OUT = 0.05  # share of the pairs, those of the last people
CHANGE_WEIGHT, SCORE_WEIGHT = 2.0, 0.3  # of the errors in how far a face moves, and in how surely it is found
_MOVED, _SCALED, _CONTRAST, _GRAIN = 0.06, 0.1, 0.1, 0.03  # of the crops: shares of the head, share of the light, and noise

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Look:
    """What the recogniser is thought to see in N crops."""

    embedding: Tensor  # (N, D)
    score: Tensor  # (N,) how surely it finds a face


class Student(nn.Module):
    """From crops (N, 3, SIDE, SIDE) in [-1, 1] to the recogniser's output."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 5, 2, 2)
        strides = [1, *[2] * (len(WIDTHS) - 2)]
        self.blocks = nn.Sequential(*(_Block(*sizes) for sizes in zip(WIDTHS[:-1], WIDTHS[1:], strides, strict=True)))
        self.out = nn.Linear(WIDTHS[-1] * (SIDE // 2 ** (len(WIDTHS) - 1)) ** 2, dimension + 1)

    def forward(self, crops: Tensor) -> Tensor:
        features: Tensor = self.out(self.blocks(F.silu(self.stem(crops))).flatten(1))
        return features

    def look(self, crops: Tensor) -> Look:
        """At crops, in bfloat16 for the most part."""
        with torch.autocast("cpu", torch.bfloat16):
            seen = self(crops).float()
        return Look(seen[:, :-1], seen[:, -1])


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.GroupNorm(GROUPS, after))
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.GroupNorm(GROUPS, after))

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.shortcut(x) + self.second(F.silu(self.first(x))))


def train_student(sightings: Sequence[Mapping[str, Tensor]], *, steps: int, seed: int) -> tuple[Student, pd.DataFrame]:
    """Learn from several kinds of sightings as much each, but for the last people; gives the student and each step's loss.

    The loss is the squared distance to the recogniser's output, to the change in it, and to its scores.

    Raises:
        InputError: the recogniser finds no face in any.
    """
    torch.manual_seed(seed)
    known = [{name: values[: _known(kind)] for name, values in kind.items()} for kind in sightings]
    faces = torch.cat([kind["before_embedding"] for kind in known])
    faces = faces[faces.isfinite().all(1)]
    if not len(faces):
        raise InputError(f"the recogniser finds a face in none of {sum(map(_known, sightings))} heads: train the VAE for longer")
    student = Student(faces.shape[1])
    with torch.no_grad():
        student.out.bias[:-1].copy_(faces.mean(0))
        student.out.weight.mul_(0.1)
    optimizer, rows = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY), []
    for step in range(1, steps + 1):
        random = torch.Generator().manual_seed(step)
        pairs = [_drawn(kind, BATCH // len(known), random) for kind in known]
        batch = {name: torch.cat([pair[name] for pair in pairs]) for name in pairs[0]}
        crops = [from_bytes(batch[name])[:, :, None] for name in ("before", "after")]
        before, after = _varied(crops, HEAD_IN_CROP.expand(len(crops[0]), 1, 4), random)
        loss = _loss(student.look(before), student.look(after), batch)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, step / WARMUP, (steps - step + 1) / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows.append({"step": step, "loss": loss.item()})
        if step % 100 == 0:
            _log.info("student step %d of %d: loss %.4f", step, steps, np.mean([row["loss"] for row in rows[-100:]]))
    student.eval()
    for kind in sightings:
        share = explained({name: values[_known(kind) :] for name, values in kind.items()}, student)
        _log.info("the student explains %.2f of what changes for the recogniser, and %.2f of its scores, on other people", *share)
    return student, pd.DataFrame(rows)


def _known(kind: Mapping[str, Tensor]) -> int:
    return int(len(kind["before"]) * (1 - HELD_OUT))


def _drawn(kind: Mapping[str, Tensor], count: int, random: torch.Generator) -> dict[str, Tensor]:
    chosen = torch.randint(len(kind["before"]), (count,), generator=random)
    return {name: values[chosen] for name, values in kind.items()}


def _loss(before: Look, after: Look, batch: Mapping[str, Tensor]) -> Tensor:
    seen, through = batch["before_embedding"], batch["after_embedding"]
    embeddings = _distance(before.embedding, seen) + _distance(after.embedding, through)
    change = _distance(after.embedding - before.embedding, through - seen)
    scores = sum((look.score - batch[name]).square().mean() for look, name in ((before, "before_score"), (after, "after_score")))
    return embeddings + CHANGE_WEIGHT * change + SCORE_WEIGHT * scores


@torch.no_grad()
def explained(sightings: Mapping[str, Tensor], student: Student) -> tuple[float, float]:
    """Shares, of the squared change in the recogniser's output and of the variance of its scores after it, that are predicted."""
    looks = [[student.look(from_bytes(crops)) for crops in sightings[name].split(2 * BATCH)] for name in ("before", "after")]
    before, after = (torch.cat([look.embedding for look in parts]) for parts in looks)
    change = sightings["after_embedding"] - sightings["before_embedding"]
    scores, guessed = sightings["after_score"], torch.cat([look.score for look in looks[1]])
    unexplained = _distance(after - before, change) / _distance(torch.zeros_like(change), change)
    return 1 - unexplained.item(), 1 - ((guessed - scores).square().mean() / scores.var(correction=0)).item()


def face_error(
    student: Student, after: Tensor, before: Tensor, heads: Tensor, weight: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """How much worse heads (B, T, 4) in videos (B, 3, T, H, W) look to the recogniser after than before, as the student sees it.

    It sees both in the same chance crop, light and noise: who may know how it looks learns what pleases it, and what the
    recogniser does not see.

    Args:
        weight: (B, T) 1 for the heads that count, 0 for the others.

    Returns:
        Means of the squared distance between the embeddings and of the loss of score.
    """
    crops_before, crops_after = _varied([before, after], heads, random)
    with torch.no_grad():
        wanted = student.look(crops_before)
    seen, share = student.look(crops_after), weight.flatten() / weight.sum().clamp(min=1)
    moved = (seen.embedding - wanted.embedding).square().sum(1)
    return (share * moved).sum(), (share * F.relu(wanted.score - seen.score)).sum()


def _varied(videos: Sequence[Tensor], heads: Tensor, random: torch.Generator) -> list[Tensor]:
    """Crops of heads (B, T, 4) in videos (B, 3, T, H, W), all in the same chance crop, light and noise."""
    corners = heads.unflatten(2, (2, 2))  # (B, T, corner, axis)
    middle, side = corners.mean(2), (corners[:, :, 1] - corners[:, :, 0]).amax(2, keepdim=True)
    middle = middle + _MOVED * side * torch.randn(middle.shape, generator=random)
    reach = side * (1 + _SCALED * torch.randn(side.shape, generator=random)) / 2
    crops = [head_crops(video, torch.cat([middle - reach, middle + reach], dim=2)) for video in videos]
    light = 1 + _CONTRAST * torch.randn(len(crops[0]), 1, 1, 1, generator=random)
    grain = _GRAIN * torch.randn(crops[0].shape, generator=random)
    return [crop * light + grain for crop in crops]


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared distance of rows (N, D), where b is known."""
    known = b.isfinite().all(1)
    return (known * (a - b.nan_to_num()).square().sum(1)).sum() / known.sum().clamp(min=1)


def save_student(student: Student, path: Path) -> None:
    """Write its weights as safetensors."""
    with atomic(path) as temporary:
        save_file(student.state_dict(), temporary)


def load_student(path: Path) -> Student:
    """The student that `save_student` wrote, frozen."""
    tensors = load_file(path)
    student = Student(len(tensors["out.bias"]) - 1)
    student.load_state_dict(tensors)
    return student.eval().requires_grad_(False)
