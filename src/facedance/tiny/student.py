"""A small differentiable student of the recogniser, which sees what a VAE does to a face."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facedance.files import atomic
from facedance.tiny.sightings import SIDE, head_crops

WIDTHS = (32, 48, 96, 128, 192)  # of the first layer and of the blocks, of which all but the first halve the picture
GROUPS = 8
RATE, DECAY = 1.5e-3, 0.05
WARMUP = 50
BATCH = 24  # pairs
HELD_OUT = 0.05  # share of the pairs, those of the last people
CHANGE_WEIGHT = 2.0  # of the error in how far a face moves when it is decoded
_SHIFT, _CONTRAST = 2, 0.1  # of the crops, in pixels and as a share
_MOVED, _SCALED, _GRAIN = 0.06, 0.1, 0.03  # of the crops that teach a decoder: shares of the head, and noise

_log = logging.getLogger("facedance")


class Student(nn.Module):
    """From crops (N, 3, SIDE, SIDE) in [-1, 1] to the recogniser's output (N, D)."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 5, 2, 2)
        strides = [1, *[2] * (len(WIDTHS) - 2)]
        self.blocks = nn.Sequential(*(_Block(*sizes) for sizes in zip(WIDTHS[:-1], WIDTHS[1:], strides, strict=True)))
        self.out = nn.Linear(WIDTHS[-1] * (SIDE // 2 ** (len(WIDTHS) - 1)) ** 2, dimension)

    def forward(self, crops: Tensor) -> Tensor:
        features: Tensor = self.out(self.blocks(F.silu(self.stem(crops))).flatten(1))
        return features


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.GroupNorm(GROUPS, after))
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.GroupNorm(GROUPS, after))

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.shortcut(x) + self.second(F.silu(self.first(x))))


def train_student(sightings: Mapping[str, Tensor], *, steps: int, seed: int) -> tuple[Student, pd.DataFrame]:
    """Learn from what `see_heads` wrote, but for the last people in it; gives the student and the loss of each step.

    The loss is the squared distance to the recogniser's output, and that of the difference which the VAE makes.
    """
    torch.manual_seed(seed)
    known = int(len(sightings["drawn"]) * (1 - HELD_OUT))
    student = Student(sightings["drawn_embedding"].shape[1])
    with torch.no_grad():
        student.out.bias.copy_(sightings["drawn_embedding"].mean(0))
        student.out.weight.mul_(0.1)
    optimizer, rows = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY), []
    for step in range(1, steps + 1):
        random = torch.Generator().manual_seed(step)
        chosen = torch.randint(known, (BATCH,), generator=random)
        crops = torch.cat([sightings[name][chosen] for name in ("drawn", "decoded")]).float() / 127.5 - 1
        shift = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=random).tolist()
        contrast = 1 + _CONTRAST * torch.randn(BATCH, 1, 1, 1, generator=random).repeat(2, 1, 1, 1)
        with torch.autocast("cpu", torch.bfloat16):
            drawn, decoded = student(crops.roll(shift, (2, 3)) * contrast).float().chunk(2)
        seen, through = sightings["drawn_embedding"][chosen], sightings["decoded_embedding"][chosen]
        loss = _distance(drawn, seen) + _distance(decoded, through) + CHANGE_WEIGHT * _distance(decoded - drawn, through - seen)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, step / WARMUP, (steps - step + 1) / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows.append({"step": step, "loss": loss.item()})
        if step % 100 == 0:
            _log.info("student step %d of %d: loss %.4f", step, steps, np.mean([row["loss"] for row in rows[-100:]]))
    share = explained({name: values[known:] for name, values in sightings.items()}, student)
    _log.info("the student explains %.2f of what the VAE changes for the recogniser, on other people", share)
    return student.eval(), pd.DataFrame(rows)


@torch.no_grad()
def explained(sightings: Mapping[str, Tensor], student: Student) -> float:
    """Share of the squared change in the recogniser's output, from drawn to decoded, that the student predicts."""
    batches = (sightings[name].split(2 * BATCH) for name in ("drawn", "decoded"))
    drawn, decoded = (torch.cat([student(crops.float() / 127.5 - 1) for crops in parts]) for parts in batches)
    change = sightings["decoded_embedding"] - sightings["drawn_embedding"]
    return 1 - (_distance(decoded - drawn, change) / _distance(change, torch.zeros_like(change))).item()


def identity_error(student: Student, decoded: Tensor, video: Tensor, heads: Tensor, random: torch.Generator) -> Tensor:
    """Mean squared distance of the heads (B, T, 4) in videos (B, 3, T, H, W) after and before the VAE, as the student sees it.

    It sees both in the same chance crop, light and noise: a decoder that may know how it looks learns what pleases it, and
    what the recogniser does not see.
    """
    boxes = _jittered(heads, random)
    before, after = (head_crops(shown, boxes) for shown in (video, decoded))
    light = 1 + _CONTRAST * torch.randn(len(before), 1, 1, 1, generator=random)
    noise = _GRAIN * torch.randn(before.shape, generator=random)
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            wanted = student(before * light + noise).float()
        return _distance(student(after * light + noise).float(), wanted)


def _jittered(heads: Tensor, random: torch.Generator) -> Tensor:
    """Boxes (B, T, 4) moved and scaled a little."""
    corners = heads.unflatten(2, (2, 2))  # (B, T, corner, axis)
    middle, side = corners.mean(2), (corners[:, :, 1] - corners[:, :, 0]).amax(2, keepdim=True)
    middle = middle + _MOVED * side * torch.randn(middle.shape, generator=random)
    reach = side * (1 + _SCALED * torch.randn(side.shape, generator=random)) / 2
    return torch.cat([middle - reach, middle + reach], dim=2)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(1).mean()


def save_student(student: Student, path: Path) -> None:
    """Write its weights as safetensors."""
    with atomic(path) as temporary:
        save_file(student.state_dict(), temporary)


def load_student(path: Path) -> Student:
    """The student that `save_student` wrote, frozen."""
    tensors = load_file(path)
    student = Student(len(tensors["out.bias"]))
    student.load_state_dict(tensors)
    return student.eval().requires_grad_(False)
