"""Models in diffusers' layout, and single LoRA files, from the Hugging Face hub."""

import contextlib
import errno
import logging
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from facedance.files import sha256
from facedance.job import InputError
from facedance.models.diffusers_folder import keep_only, needed

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Source:
    """A repository at a revision (commit, tag or branch), and the entry of params.yaml that names it.

    `endpoint` is another hub's address; the default is huggingface.co, or HF_ENDPOINT.
    """

    repo: str
    revision: str
    entry: str
    endpoint: str | None = None


def fetch_snapshot(source: Source, folder: Path) -> None:
    """Download a model into `folder`; a broken download goes on where it stopped.

    Raises:
        InputError: no network, no access, no such repository or revision, no model in diffusers' layout and
            safetensors, no space, or a file that is not the one that the hub describes.
    """
    with _told_in_a_sentence(source, folder):
        info = _describe(source)
        names = [sibling.rfilename for sibling in info.siblings or []]
        if "model_index.json" not in names:
            raise InputError(
                f"{source.repo} has no model_index.json: give a repository in diffusers' layout as {source.entry}.repo"
            )
        advice = f"give a repository that has safetensors, as Wan-AI's -diffusers ones do, as {source.entry}.repo"
        wanted = needed(names, source.repo, advice)
        keep_only(folder, wanted)
        _fetch(source, info, wanted, folder)


def fetch_file(source: Source, name: str, path: Path) -> None:
    """Download the file `name` of a repository, safetensors, to `path`.

    Raises:
        InputError: as `fetch_snapshot`, or there is no such file.
    """
    folder = path.parent / f".{path.name}.fetching"
    with _told_in_a_sentence(source, path.parent):
        info = _describe(source)
        known = sorted(s.rfilename for s in info.siblings or [] if s.rfilename.endswith(".safetensors"))
        if name not in known:
            there = ", ".join(known[:5]) or "no safetensors"
            raise InputError(f"{source.repo} has no file {name!r}: correct {source.entry}.file; there are {there}")
        _fetch(source, info, [name], folder)
    (folder / name).rename(path)
    shutil.rmtree(folder)


def _describe(source: Source) -> Any:
    """What the hub says of a repository. It is asked first: offline, a folder that is only partly there would pass for whole."""
    return HfApi(endpoint=source.endpoint).model_info(source.repo, revision=source.revision, files_metadata=True)


def _fetch(source: Source, info: Any, wanted: Collection[str], folder: Path) -> None:
    """Download files of a described repository, and compare them with the description."""
    _log.info("fetching %d files of %s at %s", len(wanted), source.repo, info.sha)
    snapshot_download(source.repo, revision=info.sha, local_dir=folder, allow_patterns=list(wanted), endpoint=source.endpoint)
    for described in (s for s in info.siblings if s.rfilename in wanted):
        path = folder / described.rfilename
        right = path.is_file() and described.size in (None, path.stat().st_size)
        if right and described.lfs is not None:
            right = sha256(path) == described.lfs.sha256
        if not right:
            path.unlink(missing_ok=True)
            raise InputError(f"{described.rfilename} of {source.repo} did not arrive as the hub describes it: start again")
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # what snapshot_download keeps to resume


@contextlib.contextmanager
def _told_in_a_sentence(source: Source, folder: Path) -> Iterator[None]:
    """Turns what can go wrong with the hub into InputErrors."""
    repo, entry = source.repo, source.entry
    try:
        yield
    except GatedRepoError:
        raise InputError(f"{repo} asks for consent to its licence: accept it on its page and set HF_TOKEN") from None
    except RevisionNotFoundError:
        raise InputError(f"{repo} has no revision {source.revision!r}: correct {entry}.revision") from None
    except RepositoryNotFoundError:
        raise InputError(f"{repo} does not exist or is private: correct {entry}.repo, or set HF_TOKEN") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        advice = "set HF_TOKEN to a token that may read it" if status in {401, 403} else "try again later"
        raise InputError(f"the hub answered {status} when asked for {repo}: {advice}; finished files are kept") from None
    except (httpx2.TransportError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise InputError(
            f"the hub cannot be reached for {repo} ({type(error).__name__}): check the network, the proxy (HTTPS_PROXY), "
            f"HF_ENDPOINT and HF_HUB_OFFLINE, and start again; what has arrived is kept"
        ) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(folder).free / 1e9
            raise InputError(
                f"the disk is full with {repo} half fetched ({free:.1f} GB free at {folder}): free some space and start again"
            ) from None
        if error.errno is None and "onsistency check failed" in str(error):  # huggingface_hub's, of a file's size
            raise InputError(f"a file of {repo} did not arrive whole: start again") from None
        raise
