"""One picture to look at: a row for each person, a column for each way of rendering."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from facedance.faces.face import Image
from facedance.files import atomic

_CELL, _GAP, _HEADER, _FONT = 256, 6, 30, 15  # pixels


def write_row(name: str, pictures: Mapping[str, Image], path: Path) -> None:
    """Write somebody's pictures (H, W, 3) side by side, with their titles above them."""
    step = _CELL + _GAP
    sheet = Pillow.new("RGB", (step * len(pictures) + _GAP, step + _HEADER), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    for x, (title, picture) in enumerate(pictures.items()):
        draw.text((_GAP + x * step + _CELL / 2, _HEADER / 2), title, "black", font, anchor="mm")
        sheet.paste(_fitted(picture), (_GAP + x * step, _HEADER))
    draw.text((2 * _GAP, _HEADER + _GAP), name, "white", font, stroke_width=2, stroke_fill="black")
    with atomic(path) as temporary:
        sheet.save(temporary)


def write_grid(rows: Sequence[Path], path: Path) -> None:
    """Write rows that `write_row` made one below the other; they must have the same titles, which stand above the first."""
    pictures = [Pillow.open(row) for row in rows]
    step = pictures[0].height - _HEADER
    sheet = Pillow.new("RGB", (pictures[0].width, step * len(pictures) + _HEADER))
    for y, picture in reversed(list(enumerate(pictures))):
        sheet.paste(picture, (0, y * step))  # the title of each is covered by the row above it
    with atomic(path) as temporary:
        sheet.save(temporary)


def _fitted(picture: Image) -> Pillow.Image:
    """The middle square of a picture in the size of a cell."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = np.ascontiguousarray(picture[top : top + side, left : left + side])
    return Pillow.fromarray(square).resize((_CELL, _CELL), Pillow.Resampling.BICUBIC)
