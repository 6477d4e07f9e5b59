"""What a face branch has for one base block of the transformer, and what the block attends to."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from facedance.regions.tokens import Region


class FaceAttention(nn.Module):
    """What one base block adds: low-rank keys and values of the face tokens, low-rank output."""

    given: tuple["Given", ...] = ()
    """The faces that the block attends to at present."""

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.to_k = nn.Sequential(nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False))
        self.norm_k = nn.RMSNorm(dim, eps=1e-6)
        self.to_v = nn.Sequential(nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False))
        self.out_down = nn.Linear(dim, rank, bias=False)
        self.out_up = nn.Linear(rank, dim, bias=False)
        nn.init.zeros_(self.out_up.weight)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of tokens, all (B, F, N, dim)."""
        return self.norm_k(self.to_k(tokens)), self.to_v(tokens)

    def project(self, attended: Tensor) -> Tensor:
        """Attended values (B, L, dim) to what is added to the block's text attention, in their own dtype."""
        low = F.linear(attended, self.out_down.weight.to(attended.dtype))  # (B, L, rank)
        return F.linear(low, self.out_up.weight.to(attended.dtype))


class Given(NamedTuple):
    """A face as one base block attends to it."""

    part: FaceAttention  # of the person's own branch
    key: Tensor  # (B, F, N, dim)
    value: Tensor
    region: Region | None  # None for all tokens
