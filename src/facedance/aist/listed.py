"""Which of AIST's videos are meant by names and patterns."""

import difflib
import fnmatch
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from facedance.aist.names import parse
from facedance.job import InputError

_CAMERAS = tuple(f"c{number:02d}" for number in range(1, 10))
_PATTERN = set("*?[")


def meant_videos(given: Sequence[str], listed: str | None) -> list[str]:
    """The names of videos in the order given: cAll is each of nine cameras, a pattern what it matches in the list's file.

    Raises:
        InputError: a name that is none of AIST's, a pattern without a list, or one that matches nothing in it.
    """
    names: dict[str, None] = {}
    known = _names_in(listed) if listed else []
    for name in given:
        if _PATTERN & set(name):
            names |= dict.fromkeys(_matching(name, known, listed))
        elif not parse(name).situation:
            raise InputError(f"aist.videos: {name!r} is no name of AIST's, which are like gBR_sBM_c01_d04_mBR0_ch01")
        else:
            names |= dict.fromkeys(name.replace("cAll", camera) for camera in _CAMERAS)
    return list(names)


def _matching(pattern: str, known: Sequence[str], listed: str | None) -> list[str]:
    if not listed:
        raise InputError(f"aist.videos: the pattern {pattern!r} needs AIST's list of videos: give its path as aist.list")
    found = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        near = ", ".join(difflib.get_close_matches(pattern, known, 3, 0.0))
        raise InputError(
            f"aist.videos: {pattern!r} matches none of the {len(known)} videos in {listed}; near are {near or 'none'}"
        )
    return found


def _names_in(listed: str) -> list[str]:
    """The names in a list of addresses or files, one a line."""
    try:
        lines = Path(listed).read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"aist.list: {listed} cannot be read; give the path of AIST's list, a text file") from None
    names = (PurePosixPath(line.rstrip(",")).name.removesuffix(".mp4") for line in lines)
    return [name for name in names if parse(name).situation]
