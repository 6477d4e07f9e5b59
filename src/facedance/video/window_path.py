"""Where the window that a clip shows of its video is in each frame, where it moves: its path lies beside the clip.

A window is x, y, width, height in whole pixels of the video, and keeps its size.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facedance.files import read_json, write_json

Window = tuple[int, int, int, int]

WindowPath = NDArray[np.int64]
"""(T, 2) x and y in each frame."""


def cut_window(row: Mapping[str, Any]) -> Window:
    """The window that a clip begins with, by its row in the table of the clips stage."""
    return int(row["crop_x"]), int(row["crop_y"]), int(row["crop_w"]), int(row["crop_h"])


def path_file(clip: Path) -> Path:
    """Where the path of a clip's window lies, if it moves."""
    return clip.parent / ".paths" / f"{clip.stem}.json"


def save_path(clip: Path, path: WindowPath) -> None:
    """Write the path of a clip's window."""
    write_json(path_file(clip), path.tolist())


def windows_of(clip: Path, window: Window, frames: int) -> list[Window]:
    """What a clip shows in each of its frames, of which `window` is the first one's."""
    file = path_file(clip)
    return moved(window, np.array(read_json(file))) if file.is_file() else [window] * frames


def moved(window: Window, path: WindowPath) -> list[Window]:
    """A window on its path, in each frame."""
    return [(x, y, *window[2:]) for x, y in path.tolist()]
