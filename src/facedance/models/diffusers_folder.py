"""A model's folder in diffusers' layout: which of its files are taken, and that all weights are safetensors."""

from collections.abc import Collection, Sequence
from pathlib import Path

from huggingface_hub.utils import filter_repo_objects

from facedance.job import InputError
from facedance.wan.pretrained_face import FACE_BRANCH

_PICKLES = (".pth", ".pt", ".bin", ".ckpt")
"""Endings of weights that can run any code when they are opened."""

_WEIGHTS = ("text_encoder", "transformer", "vae")
_FILES = [
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*.json",
    "tokenizer/*.model",
    "tokenizer/*.txt",
    *(f"{part}/*.{suffix}" for part in _WEIGHTS for suffix in ("json", "safetensors")),
]


def needed(names: Sequence[str], where: str, advice: str) -> list[str]:
    """Those of a folder's or repository's files that diffusers needs, in formats that run no code.

    Raises:
        InputError: it has no safetensors of a part; the message names `where` and gives the advice.
    """
    wanted = list(filter_repo_objects(names, allow_patterns=_FILES))
    for part in _WEIGHTS:
        if not any(name.startswith(f"{part}/") and name.endswith(".safetensors") for name in wanted):
            refuse_pickles([name for name in names if name.startswith(f"{part}/")], where, advice)
            raise InputError(f"{where} has no safetensors in {part}: {advice}")
    return wanted


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Remove what an earlier source has left in a model's folder: all files but these, and all links.

    The face branch stays, which was trained for the model, and so does what a broken download goes on from.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        stale = path.is_symlink() or (path.is_file() and name.as_posix() not in names)
        if stale and name.parts[0] not in (FACE_BRANCH, ".cache"):
            path.unlink()


def refuse_pickles(names: Sequence[str], where: str, advice: str) -> None:
    """Raise InputError, naming the first pickle among the files and giving the advice, if there is one."""
    pickle = next((name for name in names if name.endswith(_PICKLES)), None)
    if pickle is not None:
        raise InputError(f"{pickle} in {where} is a pickle, which can run any code when it is opened: {advice}")
