"""What a training may learn from: an item, and where one lies."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Item:
    """One clip or photo as latents, and what is known of the face in it."""

    video: Tensor  # (z, T', h, w)
    control: Tensor  # (c, T', h, w)
    reference: Tensor | None  # (z, 1, h, w)
    face: Tensor  # (1, T', h, w) in [0, 1]: where the face is
    seen: Tensor  # (1, T', h, w) in [0, 1]: where the picture is no padding
    landmarks: Tensor | None  # (5, 2) of a photo's face, in pixels
    embedding: Tensor | None  # (D,) of length 1; None when the dancer's face is not known


class Loadable(Protocol):
    """Where an item lies."""

    @property
    def text(self) -> Tensor | None:
        """What is said of it, (512, text dim); None where the dataset's text goes with it."""
        ...

    def load(self) -> Item:
        """Read it."""
        ...
