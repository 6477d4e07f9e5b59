"""How surely dlib's frontal detector finds a face at a known place, in torch, with gradients.

The features are those of Felzenszwalb et al. (Object detection with discriminatively trained part-based models, TPAMI 2010) as
dlib computes them from colours, and the five filters are read from dlib's detector. dlib looks at a pyramid of scaled pictures,
cell by cell; here the picture is scaled so that the face has the filters' size, and cells around it are looked at.
"""

import math

import dlib
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facedance.faces.dlib_network import placed, sampled

CELL, FILTER = 8, 10  # pixels of a cell, and cells of a filter's side
AROUND = 1  # cells on each side in which the face is looked for
SIDE = CELL * (FILTER + 2 + 2 * AROUND)  # pixels of the picture: one more cell all around has no features
_LOWER, _LARGER = 0.184, 1.297  # the filters' place below the landmarks' middle and their side, in sides of dlib's mean face
_ORIENTATIONS, _PLANES = 9, 31
_EPSILON = 1e-4
_TRUNCATED = 0.2


class DlibDetector(nn.Module):
    """From pictures (N, 3, SIDE, SIDE) in [-1, 1], in which a face is FILTER x CELL pixels large, to dlib's score of it (N,)."""

    filters: Tensor  # (5, 31, FILTER, FILTER)
    thresholds: Tensor  # (5,)
    directions: Tensor  # (9, 2)
    spread: Tensor  # (2 CELL,)

    def __init__(self) -> None:
        super().__init__()
        filters, thresholds = _filters()
        self.register_buffer("filters", filters)
        self.register_buffer("thresholds", thresholds)
        angles = math.pi / _ORIENTATIONS * torch.arange(_ORIENTATIONS)
        self.register_buffer("directions", torch.stack([angles.cos(), angles.sin()], dim=1))
        slope = (torch.arange(CELL) + 0.5) / CELL
        self.register_buffer("spread", torch.cat([slope, slope.flip(0)]))  # of a pixel over the cells next to it

    def forward(self, pictures: Tensor) -> Tensor:
        responses = F.conv2d(self.features((pictures + 1) * 127.5), self.filters) - self.thresholds.view(-1, 1, 1)
        return responses.flatten(1).amax(1)

    def features(self, pixels: Tensor) -> Tensor:
        """31 features (N, 31, h, w) of each inner cell of pictures (N, 3, H, W), from 0 to 255."""
        across = pixels[:, :, 1:-1, 2:] - pixels[:, :, 1:-1, :-2]
        down = pixels[:, :, 2:, 1:-1] - pixels[:, :, :-2, 1:-1]
        strongest = (across.detach().square() + down.detach().square()).argmax(1, keepdim=True)
        slope = torch.cat([part.gather(1, strongest) for part in (across, down)], dim=1)  # (N, 2, H - 2, W - 2)
        strength = (slope.square().sum(1, keepdim=True) + 1e-12).sqrt()
        along = torch.einsum("od,ndhw->nohw", self.directions, slope.detach())
        nearest = torch.cat([along, -along], dim=1).argmax(1, keepdim=True)
        oriented = torch.zeros(len(pixels), 2 * _ORIENTATIONS, *strength.shape[2:]).scatter(1, nearest, strength)
        cells = self._cells(F.pad(oriented, (1, 1, 1, 1)))  # (N, 18, h + 2, w + 2)
        unsigned = cells[:, :_ORIENTATIONS] + cells[:, _ORIENTATIONS:]
        energy = F.avg_pool2d(unsigned.square().sum(1, keepdim=True), 2, 1) * 4  # of blocks of 2 x 2 cells
        norms = (energy + _EPSILON).sqrt()
        inner, parts = (slice(None), slice(None), slice(1, -1), slice(1, -1)), []
        for y, x in ((1, 1), (0, 1), (1, 0), (0, 0)):  # the four blocks to which a cell belongs, in dlib's order
            norm = norms[:, :, y : y + cells.shape[2] - 2, x : x + cells.shape[3] - 2]
            parts.append([(values[inner] / norm).clamp(max=_TRUNCATED) / 2 for values in (cells, unsigned)])
        signed_sum, unsigned_sum = (torch.stack([part[i] for part in parts]).sum(0) for i in (0, 1))
        texture = [2 * 0.2357 * part[0].sum(1, keepdim=True) for part in parts]
        return torch.cat([signed_sum, unsigned_sum, *texture], dim=1)

    def _cells(self, oriented: Tensor) -> Tensor:
        """Sums over cells (N, 18, H / CELL, W / CELL), each pixel shared among the four nearest."""
        channels = oriented.shape[1]
        tall = self.spread.view(1, 1, -1, 1).expand(channels, -1, -1, -1)
        x = F.conv2d(oriented, tall, stride=(CELL, 1), padding=(CELL // 2, 0), groups=channels)
        return F.conv2d(x, tall.transpose(2, 3), stride=(1, CELL), padding=(0, CELL // 2), groups=channels)


def searched(frames: Tensor, landmarks: Tensor) -> Tensor:
    """Pictures (N, 3, SIDE, SIDE) for the detector, of frames (N, 3, H, W) with a face at five landmarks (N, 5, 2) in pixels."""
    turn, middle = placed(landmarks)
    face = turn.abs()[:, None, None]  # upright, because dlib does not turn its filters
    places = _LARGER * ((torch.arange(SIDE) + 0.5) / SIDE - 0.5) * SIDE / (CELL * FILTER)
    points = torch.complex(*torch.meshgrid(places, places, indexing="xy"))
    return sampled(frames, face * (points + _LOWER * 1j) + middle[:, None, None])


def _filters() -> tuple[Tensor, Tensor]:
    """Filters (5, 31, FILTER, FILTER) and thresholds (5,) of dlib's frontal detector, from its state for pickling."""
    (state,) = dlib.get_frontal_face_detector().__getstate__()
    numbers, place = [], 0
    while place < len(state):
        size = state[place] & 0x7F
        value = int.from_bytes(state[place + 1 : place + 1 + size], "little")
        numbers.append(-value if state[place] & 0x80 else value)
        place += 1 + size
    length = _PLANES * FILTER**2 + 1
    rows = [
        numbers[at + 2 : at + 2 + 2 * length]
        for at, value in enumerate(numbers[:-1])
        if value == -length and numbers[at + 1] == -1
    ]
    weights = torch.tensor([[math.ldexp(m, e) for m, e in zip(row[::2], row[1::2], strict=True)] for row in rows])
    return weights[:, :-1].reshape(-1, _PLANES, FILTER, FILTER), weights[:, -1]
