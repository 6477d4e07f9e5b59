"""What dlib has against faces in decoded pictures: that they are not the person's, and that they hardly look like faces."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.faces.dlib_backend import RECOGNISER_FILE
from facedance.faces.dlib_detector import DlibDetector, searched
from facedance.faces.dlib_network import aligned, load_dlib_network

SURE = 0.8  # the detector's score from which a face is found surely enough
_SHIFTED, _SCALED, _TURNED, _CONTRAST, _GRAIN = 0.06, 0.05, 0.05, 0.1, 0.02  # shares of the face and of the light, and radians


class FaceLoss:
    """dlib's recogniser, with the weights in a folder, and its detector, in torch; in bfloat16 three times as fast."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self._dtype = dtype
        self._network = load_dlib_network(folder / RECOGNISER_FILE).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._detector = DlibDetector()

    def __call__(self, frames: Tensor, landmarks: Tensor, wanted: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """How far the faces at landmarks (N, 5, 2) of frames (N, 3, H, W) are from `wanted` (N, D), and from being found.

        They are seen in a chance cut, light and noise: a model that always met the same cut would learn to fool that cut.

        Returns:
            Means of the squared distance between embeddings of length 1, and of what the detector's score lacks.
        """
        if not len(frames):
            return frames.sum(), frames.sum()
        points = _moved(landmarks, random)
        light = 1 + _CONTRAST * torch.randn(len(points), 1, 1, 1, generator=random)
        faces = aligned(frames, points) * light
        seen = self.embeddings(faces + _GRAIN * torch.randn(faces.shape, generator=random))
        score = self._detector(searched(frames, points) * light)
        return (seen - wanted).square().sum(1).mean(), F.relu(SURE - score).mean()

    def embeddings(self, faces: Tensor) -> Tensor:
        """Embeddings (N, D) of length 1 of aligned faces."""
        with torch.autocast("cpu", self._dtype, enabled=self._dtype != torch.float32):
            seen = self._network(faces.contiguous(memory_format=torch.channels_last))
        return F.normalize(seen.float(), dim=1)


def _moved(landmarks: Tensor, random: torch.Generator) -> Tensor:
    """Landmarks (N, 5, 2) a little elsewhere, larger or smaller, and turned."""
    middle = landmarks.mean(1, keepdim=True)
    offsets = torch.view_as_complex((landmarks - middle).contiguous())  # (N, 5)
    reach = offsets.abs().mean(1, keepdim=True)
    size, turn = 1 + _SCALED * torch.randn(reach.shape, generator=random), _TURNED * torch.randn(reach.shape, generator=random)
    aside = _SHIFTED * reach[..., None] * torch.randn(middle.shape, generator=random)
    return torch.view_as_real(offsets * torch.polar(size, turn)) + middle + aside
