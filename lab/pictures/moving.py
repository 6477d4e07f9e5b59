"""The moving picture in the README: photo, dance and render, side by side.

usage: python -m lab.pictures.moving [--out docs/renders.webp]     (after `snakemake --cores all`)
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facedance.faces.face import Image as Picture
from facedance.faces.photos import read_picture
from facedance.files import atomic
from facedance.video.frames import read_frames

PEOPLE = ("eileen", "nora")
SIDE, GAP, HEADER, FPS, QUALITY = 200, 4, 22, 16, 60
TITLES = ("photo", "dance", "render")
RESULTS = Path("results")


def main() -> None:
    """Write the picture: a row for each person, each dance of them all with what was made of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/renders.webp"))
    out = parser.parse_args().out
    dances = sorted(set.intersection(*(dances_of(person) for person in PEOPLE)))
    rows = [columns_of(person, dances) for person in PEOPLE]
    length = min(len(column) for row in rows for column in row if len(column) > 1)
    sheets = [sheet([[column[min(t, len(column) - 1)] for column in row] for row in rows]) for t in range(length)]
    there_and_back = sheets + sheets[-2:0:-1]
    with atomic(out) as temporary:
        there_and_back[0].save(
            temporary,
            save_all=True,
            append_images=there_and_back[1:],
            duration=round(1000 / FPS),
            loop=0,
            quality=QUALITY,
            method=6,
        )
    print(f"{out}: {len(there_and_back)} frames, {out.stat().st_size / 1e6:.2f} MB")


def dances_of(person: str) -> set[str]:
    """The clips in which somebody is rendered."""
    return {render.parent.name for render in (RESULTS / "render" / person).glob("*/default.mp4")}


def columns_of(person: str, dances: list[str]) -> list[list[Picture]]:
    """Frames of each column; a photo is one frame."""
    columns = [[read_picture(RESULTS / "faces" / person / "reference.png")]]
    for dance in dances:
        driving, render = RESULTS / "clips" / f"{dance}.mp4", RESULTS / "render" / person / dance / "default.mp4"
        columns += [list(read_frames(driving)), list(read_frames(render))]
    return columns


def sheet(rows: list[list[Picture]]) -> Image.Image:
    """One frame of the picture."""
    step, columns = SIDE + GAP, len(rows[0])
    whole = Image.new("RGB", (step * columns - GAP, step * len(rows) - GAP + HEADER), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    for x in range(columns):
        title = TITLES[0] if x == 0 else TITLES[2 - x % 2]
        draw.text((x * step + SIDE / 2, HEADER / 2), title, "black", font, anchor="mm")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            whole.paste(fitted(picture), (x * step, HEADER + y * step))
    return whole


def fitted(picture: Picture) -> Image.Image:
    """The middle square of a picture (H, W, 3), SIDE pixels wide."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = np.ascontiguousarray(picture[top : top + side, left : left + side])
    return Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


if __name__ == "__main__":
    main()
