"""The picture in the README: reference, driving dancer and three frames of the render, of two people in three dances.

usage: python -m lab.settings.contact_sheet [--out docs/contact-sheet.jpg]     (after `snakemake --cores all`)
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from facedance.video import inspect, read_frames
from facedance.wan.encoder import read_picture
from lab.identity.grid import write_grid, write_row

PEOPLE, DANCES, QUALITY = ("eileen", "nora"), 3, 85
RESULTS = Path("results")


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/contact-sheet.jpg"))
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for person in PEOPLE:
            for render in sorted((RESULTS / "renders" / person).glob("*/default.mp4"))[:DANCES]:
                last = len(inspect(render).timestamps) - 1
                driving = read_frames(RESULTS / "clips" / f"{render.parent.name}.mp4", [last // 2])
                begin, middle, end = read_frames(render, [0, last // 2, last])
                pictures = {
                    "reference": read_picture(RESULTS / "faces" / person / "reference.png"),
                    "driving dancer": driving[0],
                    "render: first frame": begin,
                    "the middle": middle,
                    "the last": end,
                }
                rows.append(Path(folder) / f"{len(rows)}.png")
                write_row(person, pictures, rows[-1])
        write_grid(rows, Path(folder) / "grid.png")
        Image.open(Path(folder) / "grid.png").save(out, quality=QUALITY)


if __name__ == "__main__":
    main()
