"""Colours of high dynamic range or of a wide gamut, brought to those of BT.709, as a table that FFmpeg's lut3d reads.

Signals are turned into light with ITU-R BT.2100 (PQ, HLG with its system gamma for a peak of 1000 cd/m2) or BT.1886 (gamma
2.4). Light above the reference white of 203 cd/m2 (ITU-R BT.2408) is bent below it by the curve of ITU-R BT.2390, section
5.4.1, applied to the largest of R, G and B so that hues stay. Colours that BT.709 lacks are made paler at the same luminance.
"""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Transfer = Literal["pq", "hlg", "gamma"]
Gamut = Literal["bt709", "bt2020", "p3"]
_Array = NDArray[np.float64]

_PEAK, _WHITE = 1000.0, 203.0  # cd/m2
_GAMMA = 2.4
_GRID = 33  # points along each side of the table
_D65 = (0.3127, 0.3290)
_PRIMARIES: dict[Gamut, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}


@cache
def cube(transfer: Transfer, gamut: Gamut) -> str:
    """The table as text in the .cube format, red fastest."""
    axis = np.linspace(0, 1, _GRID)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    out = to_bt709(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer, gamut)
    lines = [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in out.tolist()]
    return f"LUT_3D_SIZE {_GRID}\n" + "\n".join(lines) + "\n"


def to_bt709(signal: _Array, transfer: Transfer, gamut: Gamut) -> _Array:
    """R'G'B' (N, 3) in [0, 1] of BT.709 as a display of gamma 2.4 takes it, for R'G'B' (N, 3) in [0, 1]."""
    light = signal**_GAMMA if transfer == "gamma" else _bent(_nits(signal, transfer, gamut)) / _WHITE
    light = light @ (np.linalg.inv(_to_xyz("bt709")) @ _to_xyz(gamut)).T
    luminance = np.clip(light @ _to_xyz("bt709")[1], 0, 1)[:, None]
    away = light - luminance
    room = np.where(away > 0, 1 - luminance, luminance) / np.maximum(np.abs(away), 1e-9)
    light = luminance + away * np.minimum(room.min(axis=1, keepdims=True), 1)
    return np.clip(light, 0, 1) ** (1 / _GAMMA)


def _nits(signal: _Array, transfer: Transfer, gamut: Gamut) -> _Array:
    """Light in cd/m2 of a display for a signal (N, 3)."""
    if transfer == "pq":
        return _pq_light(signal)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ _to_xyz(gamut)[1]
    return _PEAK * scene * np.maximum(luminance, 1e-9)[:, None] ** 0.2


def _bent(nits: _Array) -> _Array:
    top = float(_pq_signal(np.array(_PEAK)))
    brightest = np.maximum(nits.max(axis=1), 1e-6)
    e = np.minimum(_pq_signal(brightest) / top, 1)
    limit = float(_pq_signal(np.array(_WHITE))) / top
    knee = 1.5 * limit - 0.5
    t = np.maximum(e - knee, 0) / (1 - knee)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * limit
    return nits * (_pq_light(np.where(e < knee, e, curve) * top) / brightest)[:, None]


_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


def _pq_light(signal: _Array) -> _Array:
    power = signal ** (1 / _M2)
    return 10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def _pq_signal(nits: _Array) -> _Array:
    power = (nits / 10000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


@cache
def _to_xyz(gamut: Gamut) -> _Array:
    """(3, 3) from linear R, G, B to X, Y, Z, white at Y = 1."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (*_PRIMARIES[gamut], _D65)]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
