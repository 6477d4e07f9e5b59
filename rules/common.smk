# What all rules share: the checked parameters, stamps, and how a plan is made.

import functools
import gc
import inspect
import os
import sys
import time
from pathlib import Path

import snakemake.api  # brings snakemake.dag, which cannot be imported first
from snakemake.exceptions import WorkflowError
from snakemake_interface_storage_plugins.io import Mtime

# A plan is made of many small objects that all stay: looking through them for garbage took a quarter of its time.
gc.set_threshold(100_000, 50, 50)

# Snakemake looks for no reasons to run what lies behind a job that runs, as that is one. For what lies behind `ancient` files it
# is none: a changed stamp or a missing file there would be passed over until the next run.
MASKING = "masked.update(self.bfs(self.depending, job))"
if MASKING not in inspect.getsource(snakemake.dag):
    raise SystemExit(
        "this Snakemake plans in a way that rules/common.smk does not know; install the version that environment.yml names"
    )


class RunBecauseOf:
    """What lies behind each job, less the jobs that only wait for it."""

    def __init__(self, depending):
        self.depending = depending

    def __getitem__(self, job):
        behind = self.depending[job].items()
        return {j: files for j, files in behind if not all(f.is_ancient for f in files)}


def without_waiting(bfs):
    """Snakemake's walk through its graph, which from a job goes only to what runs because of it."""

    def walk(dag, direction, *jobs, **stop):
        # With --omit-from, what waits for a job that is left out is left out as well.
        if direction is dag.depending and not any(map(dag.in_omitfrom, jobs)):
            direction = RunBecauseOf(direction)
        return bfs(dag, direction, *jobs, **stop)

    return walk


snakemake.dag.DAG.bfs = without_waiting(snakemake.dag.DAG.bfs)

# The library is the one beside this Snakefile, here and in the jobs, whatever is installed.
HOME = Path(str(workflow.current_basedir)).resolve().parent
SOURCE = str(HOME / "src")
if {"{", "}"} & {*SOURCE}:
    raise SystemExit(
        f"{HOME}: Snakemake takes braces in this path for wildcards; rename the folder, or keep the program in another and "
        "say --directory"
    )
sys.path.insert(0, SOURCE)
os.environ.update(PYTHONPATH=SOURCE)

from facedance import layout, names
from facedance.rerun.clock import bring_into_present, present_times
from facedance.aist.names import sequence_name
from facedance.config.params import load
from facedance.config import checks
from facedance.config.batches import asked_for
from facedance.config.patterns import matches
from facedance.rerun.code import code_digest
from facedance.rerun.stamps import says, settle_stamp, stamp_content, write_stamp

# Places of what rules read and write.
FOLDERS = ("assets", "data", "models", "results", "logs", "lab/results")

try:
    # Snakemake's own `configfile:` would take the last of two equal keys; `config` holds what --config and --configfile say.
    # With --directory, files that are not there are those beside the Snakefile.
    PARAMS = load(Path("params.yaml"), config, otherwise=HOME)
except ValueError as error:
    raise SystemExit(str(error)) from None  # says this sentence and nothing else

# The tiny model, made here, is too small for a GPU or a second thread: its jobs run side by side.
MODEL_THREADS, MODEL_GPUS = (16, 1) if PARAMS.wan.repo or PARAMS.wan.folder else (1, 0)


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


def of_program(path):
    """Path of a file that comes with the program, also where a run has another directory."""
    return path if Path.cwd() == HOME else str(HOME / path)


STAMPS = set()  # all that this run depends on


def stamp(
    stage, rule, params, items=None, files=None, code=True, prefix="", without=()
):
    """Input function that keeps the stamp of a rule up to date and gives its path.

    `params` is a part of PARAMS or a function of the wildcards; `items`, a function of the wildcards, names what the
    job works on, so that one fewer is a change as well. `files`, another, names files that the user brings: their
    content counts too. What is only fetched does not depend on this program's `code`; or it names the rule by whose
    script it counts. Modules `without` which the job does its work do not count.
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
        try:
            checks.check_names(dict(wildcards.items()), PARAMS, KNOWN)
        except ValueError as error:
            # Raised in an input function; an ordinary exception would come with a traceback.
            raise SystemExit(str(error))
        content = stamp_content(
            params(wildcards) if callable(params) else params,
            (
                code_digest(
                    HOME / f"{prefix}scripts/{rule if code is True else code}.py",
                    without,
                )
                if code
                else ""
            ),
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
    for who in SAMPLE_IDENTITIES:
        if (record := layout.SAMPLE_PHOTOS.format(identity=who)) in made:
            folder = f"{layout.folder(layout.PHOTO)}/{who}"
            made |= {f"{folder}/{name}" for name in recorded(record, who)}
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
