"""dlib's recogniser in torch, from dlib's own file: the same numbers, and gradients.

The network is that of dlib's example `dnn_face_recognition_ex.cpp`: a residual network of 29 convolutions, whose filters and
whose scales and shifts after them follow one another in the file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facedance.job import InputError

CHIP = 150  # pixels: side of the aligned face that the network takes
DIMENSION = 128
STEM = 32
WIDTHS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)  # of the blocks
STRIDES = (1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 2, 1, 1, 2)
_MEAN, _SPREAD = (122.782, 117.001, 104.298), 256.0  # of the pixels from 0 to 255
_LAYER = re.compile(rb"\x01\x05con_4|\x01\x07affine_|\x01\x04fc_2")  # what stands before the parameters of each layer with some
PADDING = 0.25  # of the chip around the face
_MEAN_FACE = torch.tensor([
    [0.8595674595992, 0.2134981538014],
    [0.6460604764104, 0.2289674387677],
    [0.1205750620789, 0.2137274526848],
    [0.3340850613712, 0.2290642403242],
    [0.4901123135679, 0.6277975316475],
])  # fmt: skip
"""Where dlib puts the five landmarks in a face of side 1."""


class DlibNetwork(nn.Module):
    """From aligned faces (N, 3, CHIP, CHIP) in [-1, 1] to dlib's numbers (N, 128), whose distance says who is who."""

    mean: Tensor  # (3, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 7, 2)
        self.blocks = nn.Sequential(
            *(_Block(*sizes) for sizes in zip((STEM, *WIDTHS[:-1]), WIDTHS, STRIDES, strict=True)),
        )
        self.out = nn.Linear(WIDTHS[-1], DIMENSION, bias=False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        pixels = (faces + 1) * 127.5
        x = F.max_pool2d(F.relu(self.stem((pixels - self.mean) / _SPREAD)), 3, 2)
        numbers: Tensor = self.out(self.blocks(x).mean((2, 3)))
        return numbers


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, padding=1 if stride == 1 else 0)
        self.second = nn.Conv2d(after, after, 3, 1, 1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        if self.stride > 1:
            x = F.avg_pool2d(x, self.stride)
        return F.relu(_like(x, y) + _like(y, x))


def _like(x: Tensor, other: Tensor) -> Tensor:
    """Zeros at the far ends where the other is larger."""
    missing = [max(0, theirs - own) for own, theirs in zip(x.shape[1:], other.shape[1:], strict=True)]
    return F.pad(x, (0, missing[2], 0, missing[1], 0, missing[0])) if any(missing) else x


def load_dlib_network(path: Path) -> DlibNetwork:
    """The network with the weights of dlib's file, frozen; each convolution with the scale and the shift that follow it.

    Raises:
        InputError: the file is not dlib's recogniser.
    """
    network, arrays = DlibNetwork(), _arrays(path)
    try:
        with torch.no_grad():
            for conv in (m for m in network.modules() if isinstance(m, nn.Conv2d)):
                filters, bias = next(arrays).split([conv.weight.numel(), conv.out_channels])
                scale, shift = next(arrays).split(conv.out_channels)
                conv.weight.copy_(filters.view_as(conv.weight) * scale.view(-1, 1, 1, 1))
                conv.bias.copy_(bias * scale + shift)  # type: ignore[union-attr]
            network.out.weight.copy_(next(arrays).view(WIDTHS[-1], DIMENSION).T)
    except (StopIteration, RuntimeError, ValueError):
        raise InputError(
            f"{path} is not dlib's recogniser (dlib_face_recognition_resnet_model_v1.dat): put that file there"
        ) from None
    return network.eval().requires_grad_(False)


def aligned(frames: Tensor, landmarks: Tensor) -> Tensor:
    """Faces (N, 3, CHIP, CHIP) as dlib cuts them, from frames (N, 3, H, W) with five landmarks (N, 5, 2) in pixels."""
    turn, middle = placed(landmarks)
    centre = torch.view_as_complex(_MEAN_FACE.mean(0))
    places = (1 + 2 * PADDING) * torch.arange(CHIP) / CHIP - PADDING
    points = torch.complex(*torch.meshgrid(places, places, indexing="xy")) - centre  # (CHIP, CHIP) x + i y, in sides of the face
    return sampled(frames, turn[:, None, None] * points + middle[:, None, None])


def placed(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """How dlib's mean face lies at five landmarks (N, 5, 2): its side and turn as one complex number, and their middle (N,)."""
    here, there = torch.view_as_complex(_MEAN_FACE), torch.view_as_complex(landmarks.contiguous())  # (5,), (N, 5)
    centred = here - here.mean()
    return (there * centred.conj()).sum(1) / centred.abs().square().sum(), there.mean(1)


def sampled(frames: Tensor, places: Tensor) -> Tensor:
    """Pixels (N, 3, h, w) of frames (N, 3, H, W) at places (N, h, w), x + i y; at the border those of the border."""
    size = torch.tensor([frames.shape[3], frames.shape[2]])
    grid = (2 * torch.view_as_real(places) + 1) / size - 1
    return F.grid_sample(frames, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _arrays(path: Path) -> Iterator[Tensor]:
    """The parameters of each layer with some, from the input on: flat float32."""
    held = path.read_bytes()
    for layer in _LAYER.finditer(held):
        place = layer.end()
        if layer.group().endswith(b"fc_2"):
            _, place = _integer(held, place)  # outputs
            _, place = _integer(held, place)  # inputs
        _, place = _integer(held, place)  # version of the format of arrays
        count = 1
        for _ in range(4):
            size, place = _integer(held, place)
            count *= size
        yield torch.from_numpy(np.frombuffer(held, "<f4", count, place).copy())


def _integer(held: bytes, place: int) -> tuple[int, int]:
    """A non-negative integer, whose number of bytes stands before it, and the place after it."""
    end = place + 1 + held[place]
    return int.from_bytes(held[place + 1 : end], "little"), end
