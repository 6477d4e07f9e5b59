"""Videos of the AIST Dance Video Database from its own server, and AIST++'s annotations of them from theirs.

Videos lie one by one under `<server>/<10M or 2M>/<name>.mp4`, annotations in one zip of several gigabytes, of which only the
files that are wanted are read.
"""

import io
import logging
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import httpx2

from facedance.files import atomic
from facedance.job import InputError

_TIMEOUT = 60.0  # seconds without a byte
_CHUNK = 1 << 20  # bytes
_MOVED = "set aist.annotations to where AIST++ lies now"
_log = logging.getLogger("facedance")


def fetch_video(url: str, path: Path) -> None:
    """Download a video to `path`; a broken download goes on where it stopped.

    Raises:
        InputError: no network, no such video, or one that did not arrive whole.
    """
    part = path.with_name(f".{path.name}.fetching")
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    try:
        with httpx2.stream("GET", url, headers=_from_on(have), timeout=_TIMEOUT, follow_redirects=True) as answer:
            if answer.status_code == httpx2.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                part.unlink()
                raise InputError(f"{url} is shorter than what has arrived of it: start again")
            _require_found(answer, url, "correct the name in aist.videos")
            resumed = answer.status_code == httpx2.codes.PARTIAL_CONTENT
            size = _length(answer, url) + (have if resumed else 0)
            _log.info("%s: %.1f MB%s", path.name, size / 1e6, f", from {have / 1e6:.1f} MB on" if resumed else "")
            with part.open("ab" if resumed else "wb") as file:
                for chunk in answer.iter_raw():  # as it comes, so that a broken download keeps what came
                    file.write(chunk)
    except httpx2.TransportError as error:
        raise InputError(_unreached(url, error)) from None
    if (arrived := part.stat().st_size) != size:
        raise InputError(f"{url} arrived with {arrived} of {size} bytes: start again, what has arrived is kept")
    part.rename(path)


def fetch_annotation(url: str, name: str, path: Path, otherwise: str) -> None:
    """Download one file of the zip at `url` to `path`: `keypoints2d/<sequence>.pkl` or `ignore_list.txt`, in whatever folder.

    Its size and checksum are those that the zip says.

    Args:
        otherwise: what to do where the zip has no such file.

    Raises:
        InputError: no network, no such zip, or no such file in it.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(_RemoteFile(url), _CHUNK)) as archive:
            wanted = PurePosixPath(name).parts
            found = [entry for entry in archive.namelist() if PurePosixPath(entry).parts[-len(wanted) :] == wanted]
            if not found:
                raise InputError(f"AIST++ has no {name} ({url}): {otherwise}")
            content = archive.read(found[0])
    except httpx2.TransportError as error:
        raise InputError(_unreached(url, error)) from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{url} is no usable zip ({error}): start again, or {_MOVED}") from None
    with atomic(path) as temporary:
        temporary.write_bytes(content)


class _RemoteFile(io.RawIOBase):
    """A file on a server, of which only what is read is fetched."""

    def __init__(self, url: str) -> None:
        self._url, self._at = url, 0
        answer = httpx2.head(url, timeout=_TIMEOUT, follow_redirects=True)
        _require_found(answer, url, _MOVED)
        self._size = _length(answer, url)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        wanted = {"Range": f"bytes={self._at}-{self._at + count - 1}"}
        done = 0
        try:
            with httpx2.stream("GET", self._url, headers=wanted, timeout=_TIMEOUT, follow_redirects=True) as answer:
                _require_found(answer, self._url, _MOVED)
                if answer.status_code != httpx2.codes.PARTIAL_CONTENT and self._at:
                    raise InputError(
                        f"{self._url} cannot be read in parts: fetch it by hand and put its files into data/keypoints2d"
                    )
                for chunk in answer.iter_raw():
                    piece = chunk[: count - done]
                    buffer[done : done + len(piece)] = piece
                    done += len(piece)
                    if done == count:
                        break
        except httpx2.TransportError:
            if not done:
                raise  # else it broke on the way, and is asked for the rest
        self._at += done
        return done


def _from_on(have: int) -> dict[str, str]:
    return {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}


def _require_found(answer: httpx2.Response, url: str, otherwise: str) -> None:
    if answer.status_code in {httpx2.codes.NOT_FOUND, httpx2.codes.FORBIDDEN}:
        raise InputError(f"the server has no {url} ({answer.status_code}): {otherwise}")
    if answer.is_error:
        raise InputError(f"the server answered {answer.status_code} when asked for {url}: try again later")


def _length(answer: httpx2.Response, url: str) -> int:
    if "Content-Length" not in answer.headers:
        raise InputError(f"the server does not say how large {url} is, so it cannot be fetched safely: fetch it by hand")
    return int(answer.headers["Content-Length"])


def _unreached(url: str, error: httpx2.TransportError) -> str:
    return (
        f"{url} cannot be fetched ({type(error).__name__}): check the network and the proxy (HTTPS_PROXY), and start again; "
        "what has arrived is kept"
    )
