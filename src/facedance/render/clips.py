"""Rendering: every clip and variant of one person, blend or cast with one load of the model."""

import functools
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
from facedance.marks.finished import marking, write_finished
from facedance.regions.tokens import Region, region
from facedance.render.blend import blended_faces
from facedance.render.casting import Casting, casting
from facedance.render.going_on import make_windows
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.provenance import claim_of, marked_inputs, metadata_tags, render_records
from facedance.render.roles import Role, roles_of
from facedance.render.windows import Window, WindowFiles
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.video.frames import read_frames
from facedance.video.pictures import Frame, Frames
from facedance.wan.adapter import Adapter, apply_adapters, apply_cast, read_adapter
from facedance.wan.differences import fuse_loras
from facedance.wan.face_branch import FaceBranch, PlacedFace
from facedance.wan.lora_files import load_foreign_lora, remove_loras
from facedance.wan.memory import next_rung, offload, out_of_memory_means, stay
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, encoder_of, latent_frame, load_pipeline, render_frames
from facedance.wan.region_lora import acting_in

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
        InputError: a prompt that is not there, adapters or LoRAs that do not fit the model or each other, a clip without any
            dancer of the cast, a full GPU, or keys of the user's that cannot be used to mark videos with.
    """
    if unknown := {n for job in jobs for n in (job.settings.prompt, job.settings.negative_prompt)} - set(inputs.texts):
        raise InputError(
            f"there is no prompt {', '.join(sorted(unknown))}; `prompts` in params.yaml has {', '.join(sorted(inputs.texts))}"
        )
    encoded = load_file(inputs.prompts)
    prompts = {name: encoded[text] for name, text in inputs.texts.items()}
    roles = roles_of(inputs)
    how = marking(inputs.marks)
    records = render_records(list(jobs), inputs, prompts, roles, stamp, provenance, how.facts)
    keys = {job: item_key(stamp, records[job]) for job in jobs}
    pending = [job for job in jobs if reusable(folder, job.name, keys[job]) is None]
    _log.info("%d renders, %d of them to be made", len(jobs), len(pending))

    def write(job: RenderJob, frames: Iterable[Frame]) -> None:
        video, sidecar = folder / f"{job.name}.mp4", folder / f"{job.name}.json"
        claim, tags = claim_of(records[job], marked_inputs(inputs, job.clip)), metadata_tags(records[job])
        write_finished(video, frames, inputs.wan.fps, how, claim, audio_from=inputs.music(job.clip), metadata=tags)
        write_json(sidecar, records[job])
        record(folder, job.name, keys[job], [video, sidecar], {})
        made(job).clear()

    def made(job: RenderJob) -> WindowFiles:
        return WindowFiles(folder / ".windows" / job.name, keys[job])

    with out_of_memory_means(next_rung(inputs.memory, inputs.speed)):
        _while_the_next_is_made(_rendered(pending, inputs, roles, prompts, made), write)
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
    roles: Sequence[Role],
    prompts: Mapping[str, Tensor],
    made: Callable[[RenderJob], WindowFiles],
) -> Iterator[tuple[RenderJob, Iterable[Frame]]]:
    """The frames of each job; those with the same LoRA scale one after the other, as changing it costs most."""
    if not jobs:
        return
    adapters = {
        role.dancer: {name: (read_adapter(inputs.people[name].adapter), weight) for name, weight in role.weights.items()}
        for role in roles
    }
    embeddings = {
        role.dancer: {name: load_embeddings(inputs.people[name].embedding)["embedding"] for name in role.weights}
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
            latents = load_file(inputs.latents(job.clip))["control"]
            windows = inputs.windows(job)
            poses: Callable[[range], Frames] = functools.partial(read_frames, inputs.control(job.clip))
            cast = None if inputs.cast is None else casting(inputs, inputs.cast, job.clip)
            if cast is not None and cast.hidden:
                poses = cast.poses
                latents = encoder_of(pipeline, latents).control(poses(range(windows[0].end)))
            there = [role for role in roles if cast is None or role.dancer in cast.shown.joints]
            portrayed = there if job.settings.reference else []
            heads = tuple(read_reference(inputs.people[role.heaviest].photos, latents) for role in portrayed)
            control = ControlLatents(latents, heads)
            last = latent_frame(pipeline, windows[-1].end - 1)
            scene = _Scene(
                faces={role.dancer: blended_faces(embeddings[role.dancer], role.blend, 1 + last) for role in there},
                branches=branches,
                casting=cast,
                owners=[role.dancer for role in portrayed if role.dancer is not None],
            )
            make = functools.partial(_window, pipeline, scene, prompts, job.settings)
            if len(windows) == 1:
                yield job, make(control, windows[0])
            else:
                files = made(job)
                make_windows(windows, files, control, poses, encoder_of(pipeline, control.control), job.settings, make)
                yield job, files.clip(windows)
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


@dataclass(frozen=True)
class _Scene:
    """Who is seen in a clip; what is by dancer has the one key None where it is one person in the whole picture."""

    faces: Mapping[int | None, Tensor]  # (F, D): F is 1, or the latent frames of the whole clip
    branches: Mapping[int | None, FaceBranch]
    casting: Casting | None
    owners: Sequence[int]  # whose heads the references show


def _window(
    pipeline: FaceVACEPipeline,
    scene: _Scene,
    prompts: Mapping[str, Tensor],
    settings: RenderSettings,
    control: ControlLatents,
    window: Window,
) -> Frames:
    """The frames of a window."""
    start = latent_frame(pipeline, window.start)
    seen = {dancer: f if len(f) == 1 else f[start:][: control.frames] for dancer, f in scene.faces.items()}
    regions: dict[int, Region | None] = {}
    if scene.casting is not None:
        patch, parts = pipeline.transformer.config.patch_size, scene.casting.parts(window, control, scene.owners)
        regions = {dancer: region(parts[dancer], patch, pipeline.vae.device) for dancer in seen if dancer is not None}
    placed = [PlacedFace(scene.branches[d], seen[d][None], place) for d, place in regions.items() if place is not None]
    with acting_in(pipeline.transformer, regions):
        return render_frames(
            pipeline,
            next(iter(scene.branches.values())),
            control,
            face=placed if scene.casting is not None else seen[None],
            prompt=prompts[settings.prompt],
            negative_prompt=prompts[settings.negative_prompt],
            settings=settings,
        )


def _lora_scale(job: RenderJob) -> float:
    return job.settings.lora_scale
