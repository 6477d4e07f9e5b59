"""Where the windows of a long render meet."""

from pathlib import Path

from facedance.evaluate.sidecar import read_sidecar


def read_seams(sidecar: Path) -> list[int]:
    """The first new frame of each window after the first, as the file beside a render tells; none where it tells of none."""
    return list(read_sidecar(sidecar).get("seams", []))
