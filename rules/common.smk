# What all rules share: the checked parameters, what lies in data/, and stamps.

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The library is the one beside this Snakefile, here and in the jobs, whatever is installed.
SOURCE = str(Path(str(workflow.current_basedir)).resolve().parent / "src")
sys.path.insert(0, SOURCE)
os.environ.update(PYTHONPATH=SOURCE)

from facedance import names
from facedance.rerun.clock import bring_into_present
from facedance.config.params import load
from facedance.sample import catalogue
from facedance.config.batches import asked_for, matches
from facedance.rerun.stamps import code_digest, write_stamp

# Places of what rules read and write.
FOLDERS = ("assets", "data", "models", "results", "logs", "lab/results")

try:
    # Snakemake's own `configfile:` would take the last of two equal keys; `config` holds what --config and --configfile say.
    PARAMS = load(Path("params.yaml"), config)
    if workflow.is_main_process:  # jobs read this file too, while others write
        bring_into_present(FOLDERS)
except ValueError as error:
    raise WorkflowError(str(error)) from None

# The tiny model, made here, is too small for a GPU or a second thread: its jobs run side by side.
MODEL_THREADS, MODEL_GPUS = (16, 1) if PARAMS.wan.repo or PARAMS.wan.folder else (1, 0)

IDENTITIES = list(PARAMS.identities)
SAMPLE_IDENTITIES = list(PARAMS.sample.identities) if PARAMS.sample.enabled else []
SAMPLE_VIDEOS = list(catalogue.VIDEOS) if PARAMS.sample.enabled else []
SAMPLE_SEQUENCES = list(catalogue.KEYPOINT_SEQUENCES) if PARAMS.sample.enabled else []
VIDEO_SUFFIXES = {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"}


def files_in(folder, suffixes=None):
    """The visible files of a folder, sorted; none when it does not exist."""
    folder = Path(folder)
    found = list(folder.iterdir()) if folder.is_dir() else []
    if braced := [f for f in found if {"{", "}"} & set(f.name)]:
        raise WorkflowError(
            f"{braced[0]}: Snakemake takes braces for wildcards, rename it"
        )
    return sorted(
        str(f)
        for f in found
        if f.is_file()
        and not f.name.startswith(".")
        and (suffixes is None or f.suffix.lower() in suffixes)
    )


def photos_of(identity):
    """Photos of an identity: what is in its folder, and what the sample will put there."""
    folder = f"data/photos/{identity}"
    sample = catalogue.PHOTOS if identity in SAMPLE_IDENTITIES else ()
    return sorted({*files_in(folder), *(f"{folder}/{name}" for name in sample)})


def all_photos():
    return [photo for identity in IDENTITIES for photo in photos_of(identity)]


def all_videos():
    """Dance videos: what is in data/videos, and what the sample will put there."""
    sample = (f"data/videos/{video}.mp4" for video in SAMPLE_VIDEOS)
    return sorted({*files_in("data/videos", VIDEO_SUFFIXES), *sample})


def all_controls():
    return files_in("data/control", {".mp4"})


def all_keypoints():
    sample = (f"data/keypoints2d/{sequence}.pkl" for sequence in SAMPLE_SEQUENCES)
    return sorted({*files_in("data/keypoints2d", {".pkl"}), *sample})


VIDEOS = {}  # safe name -> path
for path in all_videos():
    if (name := names.video_id(path)) in VIDEOS:
        raise WorkflowError(
            f"{path} and {VIDEOS[name]} have the same name: rename one of them"
        )
    VIDEOS[name] = path

VIDEOS_OF_SHARD = {}
for name in VIDEOS:
    VIDEOS_OF_SHARD.setdefault(names.shard_of(name, PARAMS.shards), []).append(name)

SHARDS = sorted(VIDEOS_OF_SHARD)


def all_shards():
    return [*SHARDS, names.CONTROL_SHARD] if all_controls() else SHARDS


def paths_of_shard(wildcards):
    return [VIDEOS[name] for name in VIDEOS_OF_SHARD[wildcards.shard]]


if not VIDEOS and not all_controls():
    raise WorkflowError(
        "there are no videos: put dance videos into data/videos (mp4, mov, m4v, mkv, webm or avi)"
    )

for identity in IDENTITIES:
    if not photos_of(identity):
        folders = ", ".join(sorted(p.name for p in Path("data/photos").glob("*/")))
        raise WorkflowError(
            f"identity {identity!r} has no photos: put 10 to 15 into data/photos/{identity}, or take it "
            f"out of params.yaml (folders there now: {folders or 'none'})"
        )


wildcard_constraints:
    identity=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    clip=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    variant=r"[a-z][A-Za-z0-9._~-]*",
    shard=rf"\d{{4}}|{names.CONTROL_SHARD}",


def stamp(stage, rule, params, items=None, code=True, prefix=""):
    """Input function that keeps the stamp of a rule up to date and gives its path.

    `params` is a part of PARAMS or a function of the wildcards; `items`, a function of the wildcards, names what the
    job works on, so that one fewer is a change as well. What is only fetched does not depend on this program's `code`.
    """

    def path(wildcards):
        # What data/ and models/ were made from is recorded together with them.
        folder = stage if stage in {"data", "models"} else f"{prefix}results/{stage}"
        file = f"{folder}/stamps/{'.'.join([rule, *map(str, wildcards)])}.json"
        values = params(wildcards) if callable(params) else params
        listed = items(wildcards) if items else ()
        digest = code_digest(f"{prefix}scripts/{rule}.py") if code else ""
        write_stamp(file, values, digest, listed)
        # Snakemake lists a target's input folders once, so a stamp that comes later would be missing to it.
        workflow.iocache.exists_local[file] = True
        return file

    return path


def part(*sections):
    """Parts of params.yaml as plain values, for `params:` and stamps."""
    return {name: getattr(PARAMS, name).model_dump(mode="json") for name in sections}


def some(section, *names):
    """Values of one section of params.yaml, those that a rule uses."""
    return getattr(PARAMS, section).model_dump(mode="json", include=set(names))


def wan_source(wildcards):
    """Where a model comes from."""
    names = {"repo", "revision", "folder"}
    return PARAMS.models[wildcards.model].model_dump(include=names)


def lora_source(wildcards):
    """Where a LoRA comes from that is not here."""
    names = {"repo", "revision", "file"}
    return PARAMS.render.loras[wildcards.lora].model_dump(include=names)
