# What all rules share: the checked parameters, what lies in data/, and stamps.

import functools
import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake_interface_storage_plugins.io import Mtime

# The library is the one beside this Snakefile, here and in the jobs, whatever is installed.
SOURCE = str(Path(str(workflow.current_basedir)).resolve().parent / "src")
sys.path.insert(0, SOURCE)
os.environ.update(PYTHONPATH=SOURCE)

from facedance import layout, names
from facedance.rerun.clock import bring_into_present, present_times
from facedance.clips.aist import sequence_name
from facedance.config.params import load
from facedance.sample import catalogue
from facedance.config.batches import asked_for, matches
from facedance.rerun.code import code_digest
from facedance.rerun.stamps import says, settle_stamp, stamp_content, write_stamp
from facedance.video.suffixes import VIDEO_SUFFIXES

# Places of what rules read and write.
FOLDERS = ("assets", "data", "models", "results", "logs", "lab/results")

try:
    # Snakemake's own `configfile:` would take the last of two equal keys; `config` holds what --config and --configfile say.
    PARAMS = load(Path("params.yaml"), config)
except ValueError as error:
    raise WorkflowError(str(error)) from None

# The tiny model, made here, is too small for a GPU or a second thread: its jobs run side by side.
MODEL_THREADS, MODEL_GPUS = (16, 1) if PARAMS.wan.repo or PARAMS.wan.folder else (1, 0)

IDENTITIES = list(PARAMS.identities)
SAMPLE_IDENTITIES = list(PARAMS.sample.identities) if PARAMS.sample.enabled else []
SAMPLE_VIDEOS = list(catalogue.VIDEOS) if PARAMS.sample.enabled else []
SAMPLE_SEQUENCES = list(catalogue.KEYPOINT_SEQUENCES) if PARAMS.sample.enabled else []


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


def brought_or_made(found, made=()):
    """Files that the user brings, whose content counts (see `stamp`) and not their time, and those that a rule makes."""
    made = set(made)
    return sorted([*(ancient(f) for f in found if f not in made), *made])


def photos_of(identity):
    """Photos of an identity: what is in its folder, and what the sample will put there."""
    folder = f"{layout.folder(layout.PHOTO)}/{identity}"
    sample = catalogue.PHOTOS if identity in SAMPLE_IDENTITIES else ()
    return brought_or_made(files_in(folder), (f"{folder}/{name}" for name in sample))


def all_photos():
    return [photo for identity in IDENTITIES for photo in photos_of(identity)]


def all_videos():
    """Dance videos: what is in data/videos, and what the sample will put there."""
    found = files_in(layout.folder(layout.VIDEO), VIDEO_SUFFIXES)
    return brought_or_made(found, expand(layout.VIDEO, video=SAMPLE_VIDEOS))


def all_controls():
    return brought_or_made(
        files_in(layout.folder(layout.CONTROL_VIDEO), VIDEO_SUFFIXES)
    )


def all_keypoints():
    found = files_in(layout.folder(layout.KEYPOINTS), {".pkl"})
    return brought_or_made(found, expand(layout.KEYPOINTS, sequence=SAMPLE_SEQUENCES))


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


KEYPOINTS = {}  # AIST++'s, sequence -> path
if PARAMS.poses.use_keypoints2d:
    KEYPOINTS = {Path(path).stem: path for path in all_keypoints()}


def keypoints_of_shard(wildcards):
    """AIST++'s keypoints of the shard's videos, of those for which there are any."""
    sequences = {sequence_name(name) for name in VIDEOS_OF_SHARD[wildcards.shard]}
    return [KEYPOINTS[name] for name in sorted(sequences & KEYPOINTS.keys())]


if not VIDEOS and not all_controls():
    raise WorkflowError(
        "there are no videos: put dance videos into data/videos (mp4, mov, mkv, webm, MTS or what else FFmpeg reads)"
    )

for identity in IDENTITIES:
    if not photos_of(identity):
        folders = ", ".join(
            sorted(p.name for p in Path(layout.folder(layout.PHOTO)).glob("*/"))
        )
        raise WorkflowError(
            f"identity {identity!r} has no photos: put 10 to 15 into data/photos/{identity}, or take it "
            f"out of params.yaml (folders there now: {folders or 'none'})"
        )


wildcard_constraints:
    **layout.WILDCARDS,


def executing():
    """Whether this run makes what it plans, which is not so for `--dry-run`, `--summary`, `--report` and the like."""
    return workflow.executor_plugin is not None and not workflow.dryrun


@functools.cache  # once, before the first times are looked at
def see_to_the_clock():
    if executing():
        try:
            bring_into_present(FOLDERS)
        except ValueError as error:
            raise SystemExit(str(error))
    else:
        for path, moment in present_times(FOLDERS).items():
            workflow.iocache.mtime[path] = Mtime(local=moment / 1e9)


STAMPS = set()  # all that this run depends on


def stamp(stage, rule, params, items=None, files=None, code=True, prefix=""):
    """Input function that keeps the stamp of a rule up to date and gives its path.

    `params` is a part of PARAMS or a function of the wildcards; `items`, a function of the wildcards, names what the
    job works on, so that one fewer is a change as well. `files`, another, names files that the user brings: their
    content counts too. What is only fetched does not depend on this program's `code`.
    """

    def path(wildcards):
        # What data/ and models/ were made from is recorded together with them.
        folder = stage if stage in {"data", "models"} else f"{prefix}results/{stage}"
        file = layout.of_job(f"{folder}/.stamps", rule, wildcards, ".json")
        if (
            not workflow.is_main_process
        ):  # in a job: whoever planned it has written the stamp
            return file
        see_to_the_clock()
        content = stamp_content(
            params(wildcards) if callable(params) else params,
            code_digest(f"{prefix}scripts/{rule}.py") if code else "",
            items(wildcards) if items else (),
            files(wildcards) if files else (),
        )
        if executing():
            write_stamp(file, content)
            STAMPS.add(file)
        elif not says(file, content):
            # The plan sees a file that is newer, and larger than those which are compared by checksum.
            workflow.iocache.mtime[file] = Mtime(local=time.time())
            workflow.iocache.size[file] = (
                1 + workflow.dag_settings.max_checksum_file_size
            )
        # Snakemake lists a target's input folders once, so a stamp that comes later would be missing to it.
        workflow.iocache.exists_local[file] = True
        return file

    return path


def settle_stamps():
    """Tell the stamps what the files hold that this run has made for jobs which take them from data/ or models/."""
    made = {str(file) for job in workflow.dag.finished_jobs for file in job.output}
    for file in STAMPS:
        settle_stamp(file, made)


onsuccess:
    settle_stamps()


onerror:
    settle_stamps()


def folder_of(template):
    """The folder of side products that no rule declares; as a function, because Snakemake's linter takes a text for fixed."""
    return lambda wildcards: layout.folder(template)


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
