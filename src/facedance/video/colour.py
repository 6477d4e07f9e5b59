"""The colours of a frame as a player shows them on a screen of BT.709."""

import tempfile

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from numpy.typing import NDArray

from facedance.video.filters import filter_chain
from facedance.video.tone import Gamut, Transfer, cube

_TRANSFERS: dict[int, Transfer] = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_GAMUTS: dict[int, Gamut] = {
    int(ColorPrimaries.BT2020): "bt2020", int(ColorPrimaries.SMPTE431): "p3", int(ColorPrimaries.SMPTE432): "p3",
}  # fmt: skip
_UNSPECIFIED = 2  # FFmpeg's AVCOL_SPC_UNSPECIFIED, which PyAV has no name for
_SAID = {"pq": "high dynamic range (PQ)", "hlg": "high dynamic range (HLG)", "gamma": "wide gamut"}


class Colours:
    """Turns frames of one video into R'G'B' of BT.709; frames whose colours are usual pass through no filter."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def rgb(self, picture: av.VideoFrame) -> NDArray[np.uint8]:
        """(H, W, 3) of a frame."""
        unusual = _unusual(picture)
        if unusual is None:
            return picture.to_ndarray(format="rgb24", threads=1).astype(np.uint8, copy=False)
        made_for = (picture.width, picture.height, picture.format.name, picture.colorspace, picture.color_range, unusual)
        if self._graph is None or made_for != self._made_for:
            self._graph, self._made_for = _table_filter(picture, *unusual), made_for
        self._graph.push(picture)
        pulled = self._graph.pull()
        assert isinstance(pulled, av.VideoFrame)
        return pulled.to_ndarray().astype(np.uint8, copy=False)

    def told(self, picture: av.VideoFrame) -> str:
        """What is unusual about a frame's colours, or ""."""
        unusual = _unusual(picture)
        return f"{_SAID[unusual[0]]} brought to BT.709" if unusual else ""


def _unusual(picture: av.VideoFrame) -> tuple[Transfer, Gamut] | None:
    transfer = _TRANSFERS.get(int(picture.color_trc), "gamma")
    gamut = _GAMUTS.get(int(picture.color_primaries))
    if transfer == "gamma":
        return (transfer, gamut) if gamut else None
    return transfer, gamut or "bt2020"


def _table_filter(picture: av.VideoFrame, transfer: Transfer, gamut: Gamut) -> av.filter.Graph:
    coded = int(picture.colorspace)
    if coded == _UNSPECIFIED and transfer != "gamma":
        coded = int(Colorspace.BT2020)  # which is what such videos are coded in
    with tempfile.NamedTemporaryFile("w", suffix=".cube") as file:  # the filter reads it now and never again
        file.write(cube(transfer, gamut))
        file.flush()
        filters = [
            ("scale", "flags=bicubic+accurate_rnd+full_chroma_int"),
            ("format", "gbrp16le"),
            ("lut3d", f"file={file.name}:interp=tetrahedral"),
            ("format", "rgb24"),
        ]
        return filter_chain(picture, filters, coded)
