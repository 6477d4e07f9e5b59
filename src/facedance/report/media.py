"""The videos and pictures that the page shows, copied beside it so that the folder can be moved as a whole."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from facedance.files import atomic


class Media:
    """The folder `media/` of a report; what an earlier report left in it and this one does not use is removed at the end."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._used: set[Path] = set()

    def add(self, source: Path, *parts: str) -> str:
        """Copy `source` to `media/<parts>` and return its address from the page."""
        return self._put(lambda place: shutil.copyfile(source, place), parts)

    def write(self, content: bytes, *parts: str) -> str:
        """Write a file to `media/<parts>` and return its address from the page."""
        return self._put(lambda place: place.write_bytes(content), parts)

    def _put(self, write: Callable[[Path], object], parts: tuple[str, ...]) -> str:
        place = self._report.joinpath("media", *parts)
        if place not in self._used:
            with atomic(place) as temporary:
                write(temporary)
            self._used.add(place)
        return quote("/".join(("media", *parts)))

    def remove_unused(self) -> None:
        """Delete files of `media/` that were not added, and folders that become empty."""
        for path in sorted(self._report.joinpath("media").rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif not path.is_dir() and path not in self._used:
                path.unlink()
