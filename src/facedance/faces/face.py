"""What a face recogniser gives, whichever it is."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facedance.faces.embedding import Embedding

Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""


@dataclass(frozen=True)
class Face:
    """A detected face, in pixels of the image it was found in."""

    box: NDArray[np.float32]  # (4,) x0, y0, x1, y1
    score: float  # the detector's own; higher is surer
    landmarks: NDArray[np.float32]  # (5, 2) the points that the backend's `face_model` names, in its order

    @property
    def size(self) -> float:
        """Side of the box in pixels, the smaller one."""
        return float(min(self.box[2] - self.box[0], self.box[3] - self.box[1]))

    @property
    def centre(self) -> NDArray[np.float32]:
        """Middle of the box (2,), x and y."""
        return (self.box[:2] + self.box[2:]) / np.float32(2)


class FaceBackend(Protocol):
    """A face detector with its recogniser."""

    name: str
    dimension: int
    face_model: NDArray[np.float32]
    """(5, 3): where the landmarks lie on a generic head, in centimetres; x to the viewer's right, y up, z towards the viewer."""
    outlier_distance: float
    """Beyond it a photo is taken for somebody else's, where params.yaml does not say."""
    recognised_distance: float
    """Nearer faces count as the person, where params.yaml does not say."""

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        """Faces of about `min_face_px` pixels and more, largest first."""
        ...

    def embed(self, image: Image, face: Face) -> Embedding:
        """The recogniser's embedding of a detected face."""
        ...

    def align(self, image: Image, face: Face, size: int) -> Image:
        """The face upright in a square of `size` pixels, eyes level."""
        ...
