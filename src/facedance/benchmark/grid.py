"""One picture to look at: a row for each person, a column for each way of rendering."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from facedance.faces.face import Image
from facedance.files import atomic

_CELL, _GAP, _HEADER, _FONT = 256, 6, 30, 15  # pixels


def write_grid(rows: Mapping[str, Mapping[str, Image]], path: Path) -> None:
    """Write pictures (H, W, 3) by person and column, with the columns' names above; rows must have the same columns."""
    columns: Sequence[str] = list(next(iter(rows.values())))
    step = _CELL + _GAP
    sheet = Pillow.new("RGB", (step * len(columns) + _GAP, step * len(rows) + _HEADER), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    for x, column in enumerate(columns):
        draw.text((_GAP + x * step + _CELL / 2, _HEADER / 2), column, "black", font, anchor="mm")
        for y, pictures in enumerate(rows.values()):
            sheet.paste(_fitted(pictures[column]), (_GAP + x * step, _HEADER + y * step))
    for y, name in enumerate(rows):
        draw.text((2 * _GAP, _HEADER + y * step + _GAP), name, "white", font, stroke_width=2, stroke_fill="black")
    with atomic(path) as temporary:
        sheet.save(temporary)


def _fitted(picture: Image) -> Pillow.Image:
    """The middle square of a picture in the size of a cell."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = np.ascontiguousarray(picture[top : top + side, left : left + side])
    return Pillow.fromarray(square).resize((_CELL, _CELL), Pillow.Resampling.BICUBIC)
