"""Names of the AIST Dance Video Database, such as `gBR_sBM_c01_d04_mBR0_ch01`.

Basic dances (sBM), advanced ones (sFM), groups (sGR) and moving cameras (sMC) name genre, dancers, music and choreography;
showcases, cyphers and battles are like `sSH_c01_v0`: camera and variation, which stands for dancers and music.

Source: Tsuchida et al., "AIST Dance Video Database", ISMIR 2019, and the AIST++ annotations (Li et al., ICCV 2021), which
write `cAll` for the nine cameras of a sequence.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, fields
from pathlib import Path

from facedance.job import InputError

_GENRES, _SITUATIONS = "BR|PO|LO|MH|LH|HO|WA|KR|JS|JB", "BM|BA|FM|MC|GR|SH|CY|BT"
_AIST = re.compile(rf"(g({_GENRES})_s({_SITUATIONS})|s(SH|CY|BT)_(c\d+|cAll))(_|$)")  # shows of several genres name none
_PARTS = {
    "genre": re.compile(r"g[A-Z]{2}"),
    "situation": re.compile(r"s[A-Z]{2}"),
    "camera": re.compile(r"c\d+|cAll"),
    "dancer": re.compile(r"d\d+"),
    "music": re.compile(r"m[A-Z]{2}\d*"),
    "choreography": re.compile(r"ch\d+|v\d+"),
}


@dataclass(frozen=True)
class AistName:
    """The parts of a name as they are written in it (gBR, sBM, c01, d04, mBR0, ch01 or v0); empty where the name lacks one.

    A group's dancers stand together: d04_d05_d06.
    """

    genre: str = ""
    situation: str = ""
    camera: str = ""
    dancer: str = ""
    music: str = ""
    choreography: str = ""


def parse(name: str) -> AistName:
    """The parts of a video's name (without suffix), all of them empty when it is no AIST name.

    Group, showcase and cypher videos list several dancers or lack parts: what is there is told by its letter.
    """
    if not _AIST.match(name):
        return AistName()
    words = name.split("_")
    return AistName(**{part.name: "_".join(filter(_PARTS[part.name].fullmatch, words)) for part in fields(AistName)})


def sequence_name(name: str) -> str:
    """The name under which AIST++ keeps all cameras of a video: its camera is replaced by cAll. Other names stay."""
    camera = parse(name).camera
    return name.replace(f"_{camera}", "_cAll", 1) if camera else name


def read_ignore_list(path: Path | str) -> frozenset[str]:
    """The names in AIST++'s ignore_list.txt, one a line.

    Raises:
        InputError: there is no such file, or it is no text.
    """
    try:
        return frozenset(Path(path).read_text(encoding="utf-8-sig").split())
    except (OSError, UnicodeDecodeError):
        raise InputError(f"clips.ignore_list: {path} cannot be read; give the path of a text file, or null for none") from None


def is_ignored(name: str, ignore_list: Set[str]) -> bool:
    """Whether a video is in the list, by its own name or by that of its sequence, which stands for every camera."""
    return name in ignore_list or sequence_name(name) in ignore_list
