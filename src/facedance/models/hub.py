"""Wan models in diffusers' layout from the Hugging Face hub."""

import errno
import logging
import shutil
from pathlib import Path

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
from huggingface_hub.utils import filter_repo_objects

from facedance.job import InputError

# Only what diffusers needs, and only formats that run no code: never .bin, .pth or other pickles.
FILES = [
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*.json",
    "tokenizer/*.model",
    "tokenizer/*.txt",
    *(f"{part}/*.{suffix}" for part in ("text_encoder", "transformer", "vae") for suffix in ("json", "safetensors")),
]


def fetch_snapshot(repo: str, revision: str, folder: Path, endpoint: str | None = None) -> None:
    """Download a model at a revision (commit, tag or branch) into `folder`; a broken download goes on where it stopped.

    `endpoint` is another hub's address; the default is huggingface.co, or HF_ENDPOINT.

    Raises:
        InputError: no network, no access, no such repository or revision, or no space.
    """
    log = logging.getLogger("facedance")
    try:
        # The commit is asked for first: offline, snapshot_download would pass a folder that is only partly there.
        info = HfApi(endpoint=endpoint).model_info(repo, revision=revision)
        wanted = list(filter_repo_objects((s.rfilename for s in info.siblings or []), allow_patterns=FILES))
        if "model_index.json" not in wanted:
            raise InputError(f"{repo} has no model_index.json: give a repository in diffusers' layout as models.<model>.repo")
        log.info("fetching %d files of %s at %s", len(wanted), repo, info.sha)
        snapshot_download(repo, revision=info.sha, local_dir=folder, allow_patterns=FILES, endpoint=endpoint)
    except GatedRepoError:
        raise InputError(f"{repo} asks for consent to its licence: accept it on its page and set HF_TOKEN") from None
    except RevisionNotFoundError:
        raise InputError(f"{repo} has no revision {revision!r}: correct models.<model>.revision") from None
    except RepositoryNotFoundError:
        raise InputError(f"{repo} does not exist or is private: correct models.<model>.repo, or set HF_TOKEN") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        advice = "set HF_TOKEN to a token that may read it" if status in {401, 403} else "try again later"
        raise InputError(f"the hub answered {status} when asked for {repo}: {advice}; finished files are kept") from None
    except (httpx2.TransportError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise InputError(
            f"the hub cannot be reached for {repo} ({type(error).__name__}): check the network, the proxy (HTTPS_PROXY), "
            f"HF_ENDPOINT and HF_HUB_OFFLINE, and start again; finished files are kept"
        ) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        free = shutil.disk_usage(folder).free / 1e9
        raise InputError(
            f"the disk is full with {repo} half fetched ({free:.1f} GB free at {folder}): free some space and start again"
        ) from None
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{missing[0]} of {repo} did not arrive ({len(missing)} of {len(wanted)} files): start again")
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # what snapshot_download keeps to resume
