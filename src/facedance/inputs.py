"""What the user brings in data/: every visible file at any depth, and for each the name that it goes by or why it has none.

Rules read this at every parse, so it imports nothing heavy and opens no file.
"""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from facedance.names import shown, video_ids
from facedance.video.suffixes import VIDEO_SUFFIXES


@dataclass(frozen=True)
class Brought:
    """The files of a folder: paths of those that may be of use by their names, and the others with the reason.

    Both go by text that any table can hold; the paths are as the system gave them, whatever their bytes are.
    """

    files: dict[str, str] = field(default_factory=dict)  # name -> path
    unusable: dict[str, str] = field(default_factory=dict)  # path within the folder, as it is shown -> reason


def videos_in(folder: str, made: Iterable[str] = (), without: Collection[str] = ()) -> Brought:
    """The videos of a folder, at any depth, by the names of `video_ids`; files of another kind have a reason.

    Args:
        made: paths in it that may not be there yet and will be.
        without: paths in it that do not count.
    """
    good = [os.path.relpath(path, folder) for path in made]
    unusable: dict[str, str] = {}
    for path in files_below(folder):
        if path in without:
            continue
        inside = os.path.relpath(path, folder)
        reason = unreadable(path)
        if not reason and PurePath(path).suffix.lower() not in VIDEO_SUFFIXES:
            reason = "is no video by its name (mp4, mov, mkv, webm, avi, MTS and the like are)"
        if reason:
            unusable[_another(shown(inside), unusable)] = reason
        else:
            good.append(inside)
    return Brought({name: os.path.join(folder, path) for name, path in video_ids({*good}).items()}, unusable)


def photos_in(folder: str) -> dict[str, str]:
    """All files of a folder, at any depth, by their paths in it as these are shown. Whether a photo is one tells its content."""
    named: dict[str, str] = {}
    for path in files_below(folder):
        named[_another(shown(os.path.relpath(path, folder)), named)] = path
    return named


def files_below(folder: str) -> list[str]:
    """Visible files in a folder and in all below it, sorted; none when it does not exist.

    Links to folders are followed, each folder once. A link that leads nowhere is a file, and so is a folder that cannot be read.
    """
    return sorted(_walk(folder, set()))


def _walk(folder: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    try:
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            return
        seen.add((found.st_dev, found.st_ino))
        with os.scandir(folder) as scanned:
            entries = [entry for entry in scanned if not entry.name.startswith(".")]
    except FileNotFoundError:
        return
    except OSError:
        yield folder
        return
    for entry in entries:
        if _is_folder(entry):
            yield from _walk(entry.path, seen)
        else:
            yield entry.path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def unreadable(path: str) -> str:
    """Why a path is no file that can be read; empty when it is one."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if os.path.islink(path):
            return f"is a link to {shown(os.readlink(path))}, which is not there"
        return f"cannot be read: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "is a folder that cannot be read"
    if not stat.S_ISREG(mode):
        return "is no file"
    return "" if os.access(path, os.R_OK) else "cannot be read: permission denied"


def _another(name: str, taken: dict[str, str]) -> str:
    """The name, or with a number when another file is shown by the same text."""
    number = 2
    chosen = name
    while chosen in taken:
        chosen, number = f"{name} ({number})", number + 1
    return chosen
