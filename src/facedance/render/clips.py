"""Rendering: every clip and variant of one person, blend or cast with one load of the model."""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.marks.finished import marking
from facedance.render.choosing import judged_by
from facedance.render.finishing import finishing
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.making import made
from facedance.render.provenance import render_records
from facedance.render.roles import Role, roles_of
from facedance.render.windows import WindowFiles
from facedance.rerun.item_cache import reusable
from facedance.tables import write_table
from facedance.video.pictures import Frame
from facedance.wan.adapter import Adapter, apply_adapters, apply_cast, read_adapter
from facedance.wan.device import out_of_memory_means
from facedance.wan.differences import fuse_loras
from facedance.wan.face_branch import FaceBranch
from facedance.wan.lora_files import load_foreign_lora, remove_loras
from facedance.wan.memory import next_rung, offload, stay
from facedance.wan.pipeline import load_pipeline

_log = logging.getLogger("facedance")


def render_clips(
    jobs: Sequence[RenderJob],
    inputs: RenderInputs,
    *,
    folder: Path,
    stamp: Path,
    provenance: Mapping[str, Any],
    manifest: Path | None = None,
) -> None:
    """Render `jobs`, all of one identity, to `<folder>/<identity>/<clip>/<variant>.mp4` with the music of the clip.

    Beside each video lies a json that says what made it, and the video's metadata says the same. A video that was made
    from the same before is kept; the model is loaded once, and only if there is something to make. Of a job that tries several
    seeds the best video is kept, and the json tells beside what was said of each. `provenance` is what the caller knows of
    the model's weights and of the program; where it differs, all is made anew. `manifest` gets a row per job: identity, clip,
    variant, video (inside `folder`), sha256.

    Raises:
        InputError: a prompt that is not there, adapters or LoRAs that do not fit the model or each other, a clip without any
            dancer of the cast, a full GPU, weights of a judge that are missing or damaged, or keys of the user's that cannot be
            used to mark videos with.
    """
    if unknown := {n for job in jobs for n in (job.settings.prompt, job.settings.negative_prompt)} - set(inputs.texts):
        raise InputError(
            f"there is no prompt {', '.join(sorted(unknown))}; `prompts` in params.yaml has {', '.join(sorted(inputs.texts))}"
        )
    encoded = load_file(inputs.prompts)
    prompts = {name: encoded[text] for name, text in inputs.texts.items()}
    roles = roles_of(inputs)
    how = marking(inputs.marks)
    takes = [take for job in jobs for take in job.takes]
    records = render_records(takes, inputs, prompts, roles, stamp, provenance, how.facts)
    keys = {job: _key(inputs, job, records) for job in jobs}
    pending = [job for job in jobs if reusable(folder, job.name, keys[job]) is None]
    _log.info("%d renders, %d of them to be made", len(jobs), len(pending))
    finish = finishing(pending, inputs, folder, how, keys, records)
    finish.finish_judged()
    with out_of_memory_means(next_rung(inputs.memory, inputs.speed)):
        _while_the_next_is_made(_rendered(finish.missing, inputs, roles, prompts, finish.files), finish.write)
    if manifest is not None:
        videos = [f"{job.name}.mp4" for job in jobs]
        rows = [
            (job.identity, job.clip, job.variant, name, sha256(folder / name)) for job, name in zip(jobs, videos, strict=True)
        ]
        write_table(manifest, rows, ["identity", "clip", "variant", "video", "sha256"])


def _key(inputs: RenderInputs, job: RenderJob, records: Mapping[RenderJob, Any]) -> str:
    """What a render is made from, and nothing of other renders that the same job makes: of several seeds all, and who judges."""
    facts = [records[take] for take in job.takes]
    return digest([*facts, *(judged_by(inputs, job.clip) if len(facts) > 1 else ())])


def _while_the_next_is_made(
    rendered: Iterable[tuple[RenderJob, Iterable[Frame]]], write: Callable[[RenderJob, Iterable[Frame]], None]
) -> None:
    """Write each video in a thread, one at a time, so that its encoder does not keep the GPU waiting.

    An error in `write` is raised once the render that is being made meanwhile is made.
    """
    with ThreadPoolExecutor(1) as thread:
        last: Future[None] | None = None
        for job, frames in rendered:
            if last:
                last.result()
            last = thread.submit(write, job, frames)
        if last:
            last.result()


def _rendered(
    jobs: Sequence[RenderJob],
    inputs: RenderInputs,
    roles: Sequence[Role],
    prompts: Mapping[str, Tensor],
    files: Callable[[RenderJob], WindowFiles],
) -> Iterator[tuple[RenderJob, Iterable[Frame]]]:
    """The frames of each job; those with the same LoRA scale one after the other, as changing it costs most."""
    if not jobs:
        return
    adapters = {
        role.dancer: {name: (read_adapter(inputs.people[name].adapter), weight) for name, weight in role.weights.items()}
        for role in roles
    }
    pipeline = load_pipeline(inputs.model, inputs.wan, inputs.memory, inputs.speed)
    count = itertools.count(1)
    groups = [(scale, list(group)) for scale, group in itertools.groupby(sorted(jobs, key=_lora_scale), key=_lora_scale)]
    for number, (lora_scale, group) in enumerate(groups, 1):
        branches = _put_on(pipeline.transformer, inputs, adapters, lora_scale, for_good=number == len(groups))
        attached = next(iter(branches.values()))
        if inputs.memory.weights == "offloaded":
            offload(pipeline.transformer, attached, pipeline.vae.device, streamed=inputs.speed.streamed)
        for branch in branches.values():
            branch.to(pipeline.vae.device)
        for job in group:
            _log.info("render %d of %d: %s", next(count), len(jobs), job.name)
            yield job, made(job, inputs, roles, prompts, pipeline, branches, files(job))
        if number < len(groups):
            if inputs.memory.weights == "offloaded":
                stay(pipeline.transformer)
            remove_loras(pipeline.transformer, attached)


def _put_on(
    transformer: Any,
    inputs: RenderInputs,
    adapters: Mapping[int | None, Mapping[str, tuple[Adapter, float]]],
    lora_scale: float,
    *,
    for_good: bool,
) -> dict[int | None, FaceBranch]:
    """Put LoRAs on a transformer: of those who are shown, by dancer, and of others; the branches, of which the first is attached.

    A LoRA that acts everywhere is added into the weights, `for_good` or not.
    """
    branches: dict[int | None, FaceBranch] = {}
    if (everywhere := adapters.get(None)) is not None:
        branch = apply_adapters(transformer, everywhere, lora_scale)
        assert branch is not None
        branches[None] = branch
    for path, scale in inputs.loras.items():
        load_foreign_lora(transformer, path, scale)
    if inputs.memory.weights != "float8":
        fuse_loras(transformer, for_good=for_good)
    cast = {dancer: people for dancer, people in adapters.items() if dancer is not None}
    return branches | apply_cast(transformer, cast, lora_scale)


def _lora_scale(job: RenderJob) -> float:
    return job.settings.lora_scale
