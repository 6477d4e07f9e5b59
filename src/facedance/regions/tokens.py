"""A dancer's part of the picture as tokens of the transformer."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Region(NamedTuple):
    """The tokens that are a dancer's, as many in each latent frame, so that they can be worked on by frames.

    Where a frame has fewer, there are others with weight 0.
    """

    token: Tensor  # (F K,) numbers among the transformer's tokens, rising; none twice
    weight: Tensor  # (F K, 1) from 0 to 1
    frames: int  # F, all latent frames that the transformer sees

    def of(self, tokens: Tensor) -> Tensor:
        """The dancer's tokens (B, F K, ...) of all (B, L, ...)."""
        return tokens.index_select(1, self.token)

    def weighed(self, values: Tensor) -> Tensor:
        """What is of the dancer's tokens, (B, F K, n), times their weight."""
        return self.weight.to(values.dtype) * values

    def add(self, tokens: Tensor, change: Tensor) -> Tensor:
        """All tokens (B, L, n), changed in place: (B, F K, n) is added to those that are the dancer's."""
        return tokens.index_add_(1, self.token, change)


def region(part: Tensor, patch: tuple[int, int, int], device: torch.device | str = "cpu") -> Region | None:
    """The tokens of a dancer who has `part` (F, h, w), 0 to 1, of each latent pixel; None where that is nothing.

    Args:
        part: of all latent frames that the transformer sees, also of those before the clip (references).
        patch: latent frames and pixels that make a token, as the transformer's configuration has it.
    """
    if patch[0] != 1:
        raise ValueError(f"tokens of {patch[0]} latent frames; regions know those of one")
    cells = F.avg_pool2d(part[:, None], patch[1:]).flatten(1)  # (F, n)
    most = int((cells > 0).sum(1).max())
    if not most:
        return None
    chosen = cells.topk(most, dim=1).indices.sort(dim=1).values  # (F, K)
    index = chosen + torch.arange(len(cells))[:, None] * cells.shape[1]
    return Region(index.flatten().to(device), cells.gather(1, chosen).reshape(-1, 1).to(device), len(cells))
