"""What a recogniser has against faces in decoded pictures: that they are not the person's, and that they are hardly faces."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facedance.faces import arcface_network, dlib_network
from facedance.faces.dlib_backend import RECOGNISER_FILE
from facedance.faces.dlib_detector import DlibDetector, searched
from facedance.faces.onnx_pack import pack_networks

SURE = 0.8  # the detector's score from which a face is found surely enough
_SHIFTED, _SCALED, _TURNED, _CONTRAST, _GRAIN = 0.06, 0.05, 0.05, 0.1, 0.02  # shares of the face and of the light, and radians


def recogniser_file(folder: Path) -> Path:
    """The recogniser in a folder: dlib's, or that of an InsightFace pack.

    Raises:
        InputError: there is neither.
    """
    dlib = folder / RECOGNISER_FILE
    return dlib if dlib.exists() else pack_networks(folder)[1]


class FaceLoss:
    """The recogniser in a folder, in torch; in bfloat16 three times as fast.

    dlib's computes on the CPU, for it is small, and with dlib's detector, which misses many a face. ArcFace computes on `device`
    and alone: its faces are found by SCRFD, which misses few, and is as large a network once more.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> None:
        path = recogniser_file(folder)
        dlib = path.name == RECOGNISER_FILE
        network = dlib_network.load_dlib_network(path) if dlib else arcface_network.load_arcface_network(path)
        self._device = torch.device("cpu") if dlib or device is None else device
        self._dtype, self._network = dtype, network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._aligned = dlib_network.aligned if dlib else arcface_network.aligned
        self._detector = DlibDetector() if dlib else None

    def __call__(self, frames: Tensor, landmarks: Tensor, wanted: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """How far the faces at landmarks (N, 5, 2) of frames (N, 3, H, W) are from `wanted` (N, D), and from being found.

        They are seen in a chance cut, light and noise: a model that always met the same cut would learn to fool that cut.
        Frames may lie on any device; faces are cut out on the CPU, where that has a gradient which is the same each time.

        Returns:
            Means of the squared distance between embeddings of length 1, and of what the detector's score lacks, 0 for ArcFace.
        """
        if not len(frames):
            return frames.sum(), frames.sum()
        frames, points = frames.cpu(), _moved(landmarks, random)
        light = 1 + _CONTRAST * torch.randn(len(points), 1, 1, 1, generator=random)
        faces = self._aligned(frames, points) * light
        seen = self.embeddings(faces + _GRAIN * torch.randn(faces.shape, generator=random))
        distance = (seen - wanted.to(seen.device)).square().sum(1).mean()
        if self._detector is None:
            return distance, torch.zeros_like(distance)
        score = self._detector(searched(frames, points) * light)
        return distance, F.relu(SURE - score).mean()

    def embeddings(self, faces: Tensor) -> Tensor:
        """Embeddings (N, D) of length 1 of aligned faces."""
        faces = faces.to(self._device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            seen = self._network(faces)
        return F.normalize(seen.float(), dim=1)


def _moved(landmarks: Tensor, random: torch.Generator) -> Tensor:
    """Landmarks (N, 5, 2) a little elsewhere, larger or smaller, and turned."""
    middle = landmarks.mean(1, keepdim=True)
    offsets = torch.view_as_complex((landmarks - middle).contiguous())  # (N, 5)
    reach = offsets.abs().mean(1, keepdim=True)
    size, turn = 1 + _SCALED * torch.randn(reach.shape, generator=random), _TURNED * torch.randn(reach.shape, generator=random)
    aside = _SHIFTED * reach[..., None] * torch.randn(middle.shape, generator=random)
    return torch.view_as_real(offsets * torch.polar(size, turn)) + middle + aside
