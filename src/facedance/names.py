"""Names of clips and their shards, safe as file names whatever the videos are called."""

import hashlib
import re
import unicodedata
from collections.abc import Container, Iterable
from pathlib import PurePath

CONTROL_PREFIX = "control-"
CONTROL_SHARD = "control"

CHOICE = "seeds"
"""What a render's sidecar has beside the record that is signed: how it was chosen of several, which is known only later."""

SAFE = r"[A-Za-z0-9\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff-]*"
"""What the names of videos and clips look like: letters and digits of any script, `_` and `-`."""

_LONGEST = 80  # characters
_LONGEST_BYTES = 120  # in UTF-8: a file's name has 255, and there is more in it


def video_id(path: PurePath | str) -> str:
    """A safe name for a video that a person recognises: its stem, with `-` for whatever is neither letter nor digit.

    AIST names stay as they are. Only `video_ids` keeps `a b.mp4` and `a-b.mp4` apart.
    """
    return _safe(PurePath(path).stem)


def video_ids(paths: Iterable[str]) -> dict[str, str]:
    """Videos by their names, for paths relative to the folder that holds them all.

    Those that would have the same name, or that of a clip, get the folders into it, then the suffix, then a digest of the
    path. One whose stem is the name already keeps it if it is the only such one. Equal sets of paths give equal names.
    """
    chosen = dict.fromkeys(sorted(paths), 0)
    while True:
        named: dict[str, list[str]] = {}
        for path, step in chosen.items():
            named.setdefault(_name(path, step), []).append(path)
        clashes = {path for name, same in named.items() for path in _unclear(name, same, named)}
        if not clashes:
            return {name: same[0] for name, same in sorted(named.items())}
        for path in clashes:
            chosen[path] += 1


def _unclear(name: str, same: list[str], named: Container[str]) -> list[str]:
    """Those of the paths with the same name that need another: also where a clip of another video would be called so."""
    if name[-4:-3] == "_" and name[-3:].isdecimal() and name[:-4] in named:
        return same
    exact = [path for path in same if path.rpartition(".")[0] == name]
    return [path for path in same if exact != [path]] if len(same) > 1 else []


def _name(path: str, step: int) -> str:
    """Name of a path, with each step one more distinct; the last is like no other path's."""
    whole = PurePath(path)
    if step < 3:
        return _safe((whole.stem, str(whole.with_suffix("")), path)[step])
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{_safe(str(whole.with_suffix('')), room=_LONGEST - 9)}-{digest}"


def _safe(text: str, room: int = _LONGEST) -> str:
    readable = "".join(c if _stays(c) else "-" for c in unicodedata.normalize("NFC", text))
    if readable != text or not re.fullmatch(SAFE, text):
        readable = re.sub("-+", "-", readable).strip("-_")
    if readable.startswith(CONTROL_PREFIX):
        readable = f"video-{readable}"
    short = readable[:room].encode()[:_LONGEST_BYTES].decode(errors="ignore").rstrip("-_")
    while short and unicodedata.category(short[0])[0] == "M":  # belongs to a letter before it
        short = short[1:]
    return short or "video"


def _stays(character: str) -> bool:
    """Whether it is a letter, a mark on one or a digit, of any script, or `_` or `-`."""
    return character in "_-" or unicodedata.category(character) in {"Nd", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"}


def shown(path: PurePath | str) -> str:
    """A path as it stands in tables and logs; bytes that are no UTF-8 are written with a backslash."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def clip_id(video: str, index: int) -> str:
    """Name of the `index`-th clip (from 0) of a video."""
    return f"{video}_{index:03d}"


def video_of_clip(clip: str) -> str:
    """The video that a clip was cut from; a ready-made control video goes by its own name."""
    return clip if clip.startswith(CONTROL_PREFIX) else clip.rsplit("_", 1)[0]


def of_window(name: str, number: int) -> str:
    """Name of what is kept of a clip's window, the first one's (0) being that of the clip."""
    return f"{name}.{number}" if number else name


def control_id(video: str) -> str:
    """Name under which the ready-made control video with this name is rendered."""
    return CONTROL_PREFIX + video


def shard_of(video: str, shards: int) -> str:
    """The shard of a video: a hash of its name, so that a new video changes one shard only."""
    return f"{int(hashlib.sha256(video.encode()).hexdigest()[:8], 16) % shards:04d}"


def shard_of_clip(clip: str, shards: int) -> str:
    """The shard that a clip belongs to."""
    return CONTROL_SHARD if clip.startswith(CONTROL_PREFIX) else shard_of(video_of_clip(clip), shards)
