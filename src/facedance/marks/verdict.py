"""What is known of a file: of this program, of others, whole or damaged."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import av

from facedance.files import digest, read_json
from facedance.marks.detect import Sign, look
from facedance.marks.keys import PUBLIC_WATERMARK, watermark_key
from facedance.marks.reading import Credentials, DamagedCredentials, read_credentials
from facedance.names import CHOICE
from facedance.video.opening import UnreadableVideo, read_metadata


class Outcome(IntEnum):
    """What a script wants to know of a file; the worst of several files is the exit code. 2 is argparse's, for wrong usage."""

    SIGNED = 0  # it says that it is made by AI, and nobody has changed it since it was signed
    MARKED = 1  # some mark says so, but the signature is missing, damaged or of another state of the file
    UNMARKED = 3  # nothing says so
    UNREADABLE = 4  # it cannot be read


@dataclass(frozen=True)
class Verdict:
    """What was found in a file and beside it.

    `problem` is why it cannot be read at all, `unwatched` why no watermark can be looked for, `damaged` why its signed metadata
    cannot be read; each completes "it ..." and is "" where there is no such reason.
    """

    path: Path
    problem: str = ""
    credentials: Credentials | None = None
    damaged: str = ""
    sign: Sign | None = None
    unwatched: str = ""
    tagged: bool = False
    sidecar: Mapping[str, Any] | None = None

    @property
    def watermarked(self) -> bool:
        """Whether a watermark was found."""
        return self.sign is not None and self.sign.found

    @property
    def sidecar_fits(self) -> bool | None:
        """Whether the sidecar is the one that was signed; None where nothing was signed of it."""
        signed = self.credentials.render.get("record") if self.credentials else None
        if self.sidecar is None or not isinstance(signed, dict) or "hash" not in signed:
            return None
        return bool(digest({key: value for key, value in self.sidecar.items() if key != CHOICE}) == signed["hash"])

    @property
    def outcome(self) -> Outcome:
        """All of it in one word."""
        if self.problem:
            return Outcome.UNREADABLE
        if self.credentials is not None and self.credentials.made_by_ai and not self.credentials.failures:
            return Outcome.SIGNED
        said = self.credentials is not None and self.credentials.made_by_ai
        return Outcome.MARKED if said or self.watermarked or self.tagged or self.sidecar is not None else Outcome.UNMARKED


def known_keys() -> dict[str, bytes]:
    """The keys of watermarks that are looked for: everybody's, and the user's own. Raises InputError as `watermark_key` does."""
    own = watermark_key()
    return {"everybody's": PUBLIC_WATERMARK} | ({"yours": own} if own != PUBLIC_WATERMARK else {})


def judge(path: Path, keys: Mapping[str, bytes]) -> Verdict:
    """What is known of a file, whatever is in it."""
    if problem := _closed(path):
        return Verdict(path, problem=problem)
    credentials, damaged, sign, unwatched, tagged = None, "", None, "", False
    try:
        credentials = read_credentials(path)
    except DamagedCredentials as error:
        damaged = str(error)
    try:
        tags = read_metadata(path)
        tagged = tags.get("ai_generated") == "true" or "trainedAlgorithmicMedia" in tags.get("digitalsourcetype", "")
        sign = look(path, keys)
    except UnreadableVideo as error:
        unwatched = str(error)
    except av.FFmpegError as error:
        unwatched = f"is no video or picture that can be decoded ({error.strerror})"
    if unwatched and credentials is None and not tagged:
        return Verdict(path, problem=unwatched)
    return Verdict(path, "", credentials, damaged, sign, unwatched, tagged, _sidecar(path))


def _closed(path: Path) -> str:
    """Why a file cannot be opened, or has nothing in it, or is none, such as a pipe that would be waited for; "" if it can."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "is a folder" if path.is_dir() else "is no file"
        with open(path, "rb") as file:
            return "" if file.read(1) else "is empty"
    except OSError as error:
        return f"cannot be opened ({error.strerror})"


def _sidecar(path: Path) -> Mapping[str, Any] | None:
    """The JSON that this program writes beside a render, None where there is no such."""
    beside = path.with_suffix(".json")
    try:
        said = read_json(beside) if beside != path and beside.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and said.get("ai_generated") is True else None
