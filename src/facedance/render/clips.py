"""Rendering: every clip and variant of one person or blend with one load of the model."""

import functools
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.faces.embedding import load_embeddings
from facedance.files import atomic, sha256, write_json
from facedance.job import InputError
from facedance.latents.references import read_reference
from facedance.render.blend import blended_faces, member_weights
from facedance.render.going_on import make_windows
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.provenance import metadata_tags, render_records
from facedance.render.windows import Window, WindowFiles
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.video.pictures import Frame, Frames
from facedance.video.writing import write_video
from facedance.wan.adapter import apply_adapters, read_adapter
from facedance.wan.differences import fuse_loras
from facedance.wan.face_branch import FaceBranch
from facedance.wan.lora_files import load_foreign_lora, remove_loras
from facedance.wan.memory import next_rung, offload, out_of_memory_means, stay
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, encoder_of, latent_frame, load_pipeline, render_frames

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
    from the same before is kept; the model is loaded once, and only if there is something to make. `provenance` is what
    the caller knows of the model's weights and of the program; where it differs, all is made anew. `manifest` gets a
    row per job: identity, clip, variant, video (inside `folder`), sha256.

    Raises:
        InputError: a prompt that is not there, adapters or LoRAs that do not fit the model or each other, or a full GPU.
    """
    if unknown := {n for job in jobs for n in (job.settings.prompt, job.settings.negative_prompt)} - set(inputs.texts):
        raise InputError(
            f"there is no prompt {', '.join(sorted(unknown))}; `prompts` in params.yaml has {', '.join(sorted(inputs.texts))}"
        )
    encoded = load_file(inputs.prompts)
    prompts = {name: encoded[text] for name, text in inputs.texts.items()}
    weights = member_weights(list(inputs.people), inputs.blend)
    records = render_records(list(jobs), inputs, prompts, weights, stamp, provenance)
    keys = {job: item_key(stamp, records[job]) for job in jobs}
    pending = [job for job in jobs if reusable(folder, job.name, keys[job]) is None]
    _log.info("%d renders, %d of them to be made", len(jobs), len(pending))

    def write(job: RenderJob, frames: Iterable[Frame]) -> None:
        video, sidecar = folder / f"{job.name}.mp4", folder / f"{job.name}.json"
        write_video(video, frames, inputs.wan.fps, audio_from=inputs.music(job.clip), metadata=metadata_tags(records[job]))
        write_json(sidecar, records[job])
        record(folder, job.name, keys[job], [video, sidecar], {})
        made(job).clear()

    def made(job: RenderJob) -> WindowFiles:
        return WindowFiles(folder / ".windows" / job.name, keys[job])

    with out_of_memory_means(next_rung(inputs.memory, inputs.speed)):
        _while_the_next_is_made(_rendered(pending, inputs, weights, prompts, made), write)
    if manifest is not None:
        videos = [f"{job.name}.mp4" for job in jobs]
        rows = [
            (job.identity, job.clip, job.variant, name, sha256(folder / name)) for job, name in zip(jobs, videos, strict=True)
        ]
        with atomic(manifest) as temporary:
            pd.DataFrame(rows, columns=["identity", "clip", "variant", "video", "sha256"]).to_csv(temporary, index=False)


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
    weights: Mapping[str, float],
    prompts: Mapping[str, Tensor],
    made: Callable[[RenderJob], WindowFiles],
) -> Iterator[tuple[RenderJob, Iterable[Frame]]]:
    """The frames of each job; those with the same LoRA scale one after the other, as changing it costs most."""
    if not jobs:
        return
    people = {name: inputs.people[name] for name in weights}
    adapters = {name: (read_adapter(person.adapter), weights[name]) for name, person in people.items()}
    embeddings = {name: load_embeddings(person.embedding)["embedding"] for name, person in people.items()}
    heaviest = max(weights, key=lambda name: weights[name])  # the first of equals
    pipeline = load_pipeline(inputs.model, inputs.wan, inputs.memory, inputs.speed)
    count = itertools.count(1)
    groups = [(scale, list(group)) for scale, group in itertools.groupby(sorted(jobs, key=_lora_scale), key=_lora_scale)]
    for number, (lora_scale, group) in enumerate(groups, 1):
        branch = apply_adapters(pipeline.transformer, adapters, lora_scale)
        for path, scale in inputs.loras.items():
            load_foreign_lora(pipeline.transformer, path, scale)
        if inputs.memory.weights != "float8":
            fuse_loras(pipeline.transformer, for_good=number == len(groups))
        if inputs.memory.weights == "offloaded":
            offload(pipeline.transformer, branch, pipeline.vae.device, streamed=inputs.speed.streamed)
        for job in group:
            _log.info("render %d of %d: %s", next(count), len(jobs), job.name)
            latents = load_file(inputs.latents(job.clip))["control"]
            reference = read_reference(people[heaviest].photos, latents) if job.settings.reference else None
            control = ControlLatents(latents, () if reference is None else (reference,))
            windows = inputs.windows(job)
            last = latent_frame(pipeline, windows[-1].end - 1)
            make = functools.partial(
                _window, pipeline, branch, prompts, job.settings, blended_faces(embeddings, inputs.blend, 1 + last)
            )
            if len(windows) == 1:
                yield job, make(control, windows[0])
            else:
                files = made(job)
                make_windows(
                    windows, files, control, inputs.control(job.clip), encoder_of(pipeline, control.control), job.settings, make
                )
                yield job, files.clip(windows)
        if number < len(groups):
            if inputs.memory.weights == "offloaded":
                stay(pipeline.transformer)
            remove_loras(pipeline.transformer, branch)


def _window(
    pipeline: FaceVACEPipeline,
    branch: FaceBranch | None,
    prompts: Mapping[str, Tensor],
    settings: RenderSettings,
    faces: Tensor,
    control: ControlLatents,
    window: Window,
) -> Frames:
    """The frames of a window; `faces` are one for the whole clip, or one for each of its latent frames."""
    return render_frames(
        pipeline,
        branch,
        control,
        face=faces if len(faces) == 1 else faces[latent_frame(pipeline, window.start) :][: control.frames],
        prompt=prompts[settings.prompt],
        negative_prompt=prompts[settings.negative_prompt],
        settings=settings,
    )


def _lora_scale(job: RenderJob) -> float:
    return job.settings.lora_scale
