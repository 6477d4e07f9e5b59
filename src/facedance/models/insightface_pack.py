"""Packs of InsightFace's ONNX networks from its public releases: resumable, and only the networks are kept."""

import logging
import re
import shutil
import urllib.error
import urllib.request
import zipfile
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path, PurePosixPath

from facedance.files import atomic
from facedance.job import InputError

RELEASES = "https://github.com/deepinsight/insightface/releases/download/v0.7"

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.onnx")
_CHUNK = 1 << 20


def fetch_insightface_pack(name: str, folder: Path, releases: str = RELEASES) -> None:
    """Download the pack `name` (such as buffalo_l) and put its .onnx files into `folder`.

    An interrupted download goes on where it stopped.

    Raises:
        InputError: no network, no such pack, or the archive is damaged.
    """
    log = logging.getLogger("facedance")
    log.info("InsightFace's weights (%s) are for non-commercial research only; backend dlib has no such limit", name)
    archive = folder / f".{name}.zip.part"
    folder.mkdir(parents=True, exist_ok=True)
    _download(f"{releases}/{name}.zip", archive)
    try:
        written = _unpack(archive, folder)
    except zipfile.BadZipFile as error:
        archive.unlink()
        raise InputError(f"{releases}/{name}.zip is no whole zip archive ({error}): start again to fetch it anew") from None
    archive.unlink()
    if not written:
        raise InputError(f"{releases}/{name}.zip holds no .onnx file: choose another insightface_model, such as buffalo_l")
    log.info("%s: %d networks", name, len(written))


def _download(url: str, part: Path) -> None:
    """Bring `part` to the whole length of what is at `url`, going on from what it has already."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = response.status == HTTPStatus.PARTIAL_CONTENT
            total = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
            _save(response, part, have if resumed else 0, total)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is left to fetch; a stale file is found out when it is unpacked
        raise InputError(
            f"{url} answered {error.code} {error.reason}: check faces.insightface_model (buffalo_l is one that exists)"
        ) from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise InputError(
            f"{url} cannot be reached ({getattr(error, 'reason', error)}): check the network and the proxy (HTTPS_PROXY) and "
            f"start again, or put the pack's .onnx files into {part.parent} by hand, or choose faces.backend: dlib"
        ) from None
    if total and part.stat().st_size != total:
        raise InputError(
            f"the download of {url} broke off after {part.stat().st_size} of {total} bytes: start again to go on from there"
        )


def _save(response: HTTPResponse, part: Path, start: int, total: int) -> None:
    log = logging.getLogger("facedance")
    done, shown = start, start
    with open(part, "ab" if start else "wb") as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            if done - shown >= 32 * _CHUNK:
                log.info("%d of %d MB", done >> 20, total >> 20)
                shown = done


def _unpack(archive: Path, folder: Path) -> list[str]:
    """Write the archive's .onnx files into `folder` under their last names, which cannot point out of it; others are left."""
    written = []
    with zipfile.ZipFile(archive) as pack:
        for member in pack.infolist():
            name = PurePosixPath(member.filename).name
            if not member.is_dir() and _SAFE.fullmatch(name):
                with atomic(folder / name) as temporary, pack.open(member) as source, open(temporary, "wb") as target:
                    shutil.copyfileobj(source, target)
                written.append(name)
    return written
