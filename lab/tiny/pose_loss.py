"""What a body landmarker has against guessed frames: that it finds the joints elsewhere than in the true ones.

Least squares teach the mean of the limbs that the noise leaves open: arms that end early and legs without knees.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.tiny.blazepose import SIDE, BlazePose

LIMBS = [*range(11, 17), *range(23, 33)]  # MediaPipe's: arms without fingers, and legs with feet
BONES = [(11, 13), (12, 14), (13, 15), (14, 16), (23, 25), (24, 26), (25, 27), (26, 28)]
"""Upper arms, forearms, thighs and shins. Between two places where a hand may be, least squares put it nearer to the body."""
MARGIN = 1.25  # of the cut around the body, as MediaPipe cuts it
_SHIFTED, _SCALED, _CONTRAST, _GRAIN = 0.03, 0.06, 0.05, 0.02  # shares of the cut and of the light
_SMALL = 1e-6  # under a root, whose slope is infinite at 0
_HEATMAPS = 0.01  # about as much as the joints


class PoseLoss:
    """MediaPipe's landmarker in torch, with weights that stay."""

    def __init__(self, task: Path) -> None:
        self._network = BlazePose(task)

    def __call__(self, frames: Tensor, true: Tensor, drawn: Tensor, lengths: float, random: torch.Generator) -> Tensor:
        """How far joints in frames (N, 3, H, W) are from those in the true ones, as a share of the cut around the body.

        So many times as much counts how much longer or shorter the limbs are.

        Both are seen in one chance cut and light: a model that always met the same cut would learn to fool that cut.

        Args:
            drawn: where the pose is drawn (N, H, W), in each frame somewhere.
        """
        if not len(frames):
            return frames.sum()
        grid = _cuts(drawn, random)
        light = 1 + _CONTRAST * torch.randn(len(frames), 1, 1, 1, generator=random)
        with torch.no_grad():
            wanted, places = self._look(true, grid, light, random)
        seen, heat = self._look(frames, grid, light, random)
        apart = (seen - wanted)[:, LIMBS].square().sum(-1).add(_SMALL).sqrt().mean()
        unsure = (heat.sigmoid() - places.sigmoid())[:, LIMBS].square().flatten(2).sum(2).mean()
        longer = (_long(seen) - _long(wanted)).abs().mean()
        return apart + lengths * longer + _HEATMAPS * unsure

    def _look(self, frames: Tensor, grid: Tensor, light: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        cut = F.grid_sample((frames + 1) / 2, grid, padding_mode="zeros", align_corners=False) * light
        cut = cut + _GRAIN * torch.randn(cut.shape, generator=random)
        joints, heat = self._network(cut)  # in bfloat16 joints would be rounded to whole pixels
        return joints / SIDE, heat


def _long(joints: Tensor) -> Tensor:
    """Lengths (N, B) of limbs between joints (N, J, 2)."""
    ends = joints[:, torch.tensor(BONES)]  # (N, B, 2, 2)
    return (ends[:, :, 0] - ends[:, :, 1]).square().sum(-1).add(_SMALL).sqrt()


def _cuts(drawn: Tensor, random: torch.Generator) -> Tensor:
    """Sampling grids (N, SIDE, SIDE, 2) of squares around what is drawn, a little elsewhere, larger or smaller."""
    height, width = drawn.shape[1:]
    corners = [torch.stack([_ends(mask.any(0)), _ends(mask.any(1))]) for mask in drawn]  # (2, 2) of x and y
    low, high = torch.stack(corners).unbind(2)  # (N, 2) in cells
    half = MARGIN * (high - low).amax(1, keepdim=True) / 2 * (1 + _SCALED * torch.randn(len(drawn), 1, generator=random))
    middle = (low + high) / 2 + _SHIFTED * 2 * half * torch.randn(len(drawn), 2, generator=random)
    size = torch.tensor([width, height])
    steps = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
    xs, ys = ((middle[:, i, None] + half * steps) / size[i] * 2 - 1 for i in (0, 1))  # (N, SIDE)
    return torch.stack([xs[:, None, :].expand(-1, SIDE, -1), ys[:, :, None].expand(-1, -1, SIDE)], -1)


def _ends(shown: Tensor) -> Tensor:
    """Where what is true in (L,) begins and ends."""
    places = shown.nonzero()
    return torch.stack([places.min(), places.max() + 1]).float()
