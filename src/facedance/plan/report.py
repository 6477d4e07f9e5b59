"""The plan as text."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import torch

from facedance import layout
from facedance.config.cast import cast_in_words
from facedance.config.params import Params
from facedance.config.render_settings import RenderSettings
from facedance.face_branch.learning import training_of
from facedance.plan.activations import latent_shape, token_count
from facedance.plan.disk import disk_bytes
from facedance.plan.identity import NO_IDENTITY, identity_memory
from facedance.plan.parts import Part, Parts, count_parts
from facedance.plan.peaks import (
    CARDS,
    CONTEXT,
    GIB,
    MEMORY_LADDER,
    WASTE,
    Peak,
    Rung,
    best_rung,
    branch_peak,
    encoding_peak,
    memory_name,
    rendering_peak,
    rendering_rungs,
    training_peak,
    training_rungs,
)
from facedance.train.window import window_of
from facedance.wan.architectures import find_architecture
from facedance.wan.device import on_cpu
from facedance.wan.guidance import passes_of
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from facedance.wan.start import steps_from

EMBEDDING_DIMS = {"dlib": 128, "insightface": 512}
"""Length of a face embedding, by `faces.backend`."""

MEGABYTE, GIGABYTE = 10**6, 10**9


def plan(params: Params, models: Path) -> str:
    """What the settings will need; nothing of it is measured. No weights are read but those of a small pretrained face branch.

    Args:
        models: folder of the models' folders; the tiny model must be there, the published ones need not.

    Raises:
        InputError: a model of unknown sizes, a face branch for another recogniser, or a wrong name in `train.lora_targets`.
    """
    wan, folder, dimension = params.wan, models / params.model, EMBEDDING_DIMS[params.faces.backend]
    architecture = find_architecture(params.model, folder)
    pretrained = load_face_branch(folder / FACE_BRANCH, dimension)
    parts = count_parts(architecture, params.train, getattr(torch, wan.dtype), dimension, pretrained)
    if params.train.identity_weight:
        parts = replace(parts, identity=identity_memory(parts.autoencoder, wan, params.faces.backend))
    shape = latent_shape(parts.autoencoder, wan, wan.frames)
    with_reference, without = (token_count(shape, parts.widths.patch, references) for references in (1, 0))
    title = (
        f"{params.model} at {wan.largest[0]}x{wan.largest[1]}, {wan.frames} frames, {wan.dtype}: {without:,} tokens, "
        f"{with_reference:,} with the reference"
    )
    sections = [
        f"{title}\nPredicted from the models' sizes, not measured.",
        _parts_table(parts, params),
        _peaks_table(parts, params),
        _ladder_table(parts, params),
        _disk_lines(parts, params, folder),
        _machine(training_rungs(parts, wan, params.train), rendering_rungs(parts, wan, **_rendered(params))),
        *_seeds(params),
        *_close_ups(parts, params),
        *_casts(params),
    ]
    return "\n\n".join(sections) + "\n"


def _parts_table(parts: Parts, params: Params) -> str:
    named: dict[str, Part] = {
        "transformer": parts.transformer,
        "VAE (float32)": parts.vae,
        "text encoder": parts.text_encoder,
        f"LoRA of rank {params.train.lora_rank} (float32)": parts.lora,
        "face branch (float32)": parts.face,
    }
    rows = [(name, f"{part.parameters:,}", _gib(part.bytes)) for name, part in named.items()]
    return _table(("part", "parameters", "GiB"), rows)


def _peaks_table(parts: Parts, params: Params) -> str:
    wan, train = params.wan, params.train
    peaks: dict[str, Peak] = {"encode prompts": encoding_peak(parts)}
    for checkpointing in (False, True):
        chosen = " (chosen)" if train.gradient_checkpointing == checkpointing else ""
        name = f"train, gradient_checkpointing: {str(checkpointing).lower()}{chosen}"
        peaks[name] = training_peak(parts, wan, train, frames=wan.frames, checkpointing=checkpointing)
    peaks["train a face branch"] = _branch_peak(parts, params)
    for memory in MEMORY_LADDER:
        chosen = " (chosen)" if memory == params.render.memory else ""
        peaks[f"render, {memory_name(memory)}{chosen}"] = rendering_peak(
            parts, wan, memory, frames=wan.frames, **_rendered(params)
        )
    rows = [
        (name, *(_gib(n) for n in (peak.weights, peak.adapter, peak.working, peak.bytes)), peak.where)
        for name, peak in peaks.items()
    ]
    return _table(("GPU memory, GiB", "weights", "adapter", "working", "all", "at its worst in"), rows)


def _branch_peak(parts: Parts, params: Params) -> Peak:
    """Of `snakemake face_branch`, with the sizes of the branch that the model brings along, if it does."""
    train, window = training_of(params.face_branch, params.train), window_of(params.wan)
    identity = identity_memory(parts.autoencoder, window, params.faces.backend) if train.identity_weight else NO_IDENTITY
    return branch_peak(replace(parts, identity=identity), window, train)


def _ladder_table(parts: Parts, params: Params) -> str:
    training = training_rungs(parts, params.wan, params.train)
    rendering = {memory: rendering_rungs(parts, params.wan, [memory], **_rendered(params)) for memory in MEMORY_LADDER}
    rows = [
        (f"{card} GiB", _rung(training, card * GIB), *(_rung(rungs, card * GIB, named=False) for rungs in rendering.values()))
        for card in CARDS
    ]
    note = (
        f"Shown: the most frames (models.{params.model}.frames) that a card has room for, train.gradient_checkpointing, and GiB. "
        f"Room is for\n{WASTE:g} times these and {CONTEXT / GIB:g} GiB (assumed). The rest: render.memory."
    )
    small = [str(card) for card in CARDS if not encoding_peak(parts).fits(card * GIB)]
    if small:
        note += (
            f"\nThe text encoder has no room in {' or '.join(small)} GiB; encode prompts on the CPU first: "
            f"{on_cpu(layout.PROMPTS)}"
        )
    header = ("card", "train", *(f"render: {memory_name(memory)}" for memory in rendering))
    return f"{_table(header, rows)}\n{note}"


class _Tokens(TypedDict):
    """What a window of a render holds besides its video."""

    references: int
    passes: int  # of guidance, in one batch


def _rendered(params: Params) -> _Tokens:
    settings = params.render.settings
    heads = max(len(batch.named) if batch.cast else 1 for batch in params.render.batches)
    return {
        "references": heads * settings.reference + (params.clips.whole and settings.anchor),
        "passes": passes_of(settings) if params.render.speed.batched_guidance else 1,
    }


def _disk_lines(parts: Parts, params: Params, folder: Path) -> str:
    disk = disk_bytes(parts, params.wan, params.train)
    if here := sum(file.stat().st_size for file in folder.rglob("*.safetensors")):
        weights = f"{here / GIGABYTE:.2f} GB, which are here"
    else:
        weights = f"{disk.weights / GIGABYTE:.2f} GB, twice that if you record them with DVC and do not `make link`"
    each = f"{disk.clip / MEGABYTE:.1f} MB a clip and {disk.photo / MEGABYTE:.2f} MB a photo"
    person = f"an adapter of {disk.adapter / MEGABYTE:.0f} MB and checkpoints of {disk.checkpoints / MEGABYTE:.0f} MB"
    return f"Disk: weights {weights};\nlatents {each}; for each person {person}."


def _machine(training: Sequence[Rung], rendering: Sequence[Rung]) -> str:
    if not torch.cuda.is_available():
        return "This machine: torch sees no GPU."
    device = torch.cuda.get_device_properties(0)
    fits = {"training": _rung(training, device.total_memory), "rendering": _rung(rendering, device.total_memory)}
    told = "; ".join(f"{what}: {rung}" for what, rung in fits.items())
    return f"This machine: {device.name}, {_gib(device.total_memory)} GiB. {told}."


def _close_ups(parts: Parts, params: Params) -> list[str]:
    """What the close-ups of renders take, by the number of tokens in all steps."""
    settings, wan = params.render.settings, params.wan
    square = wan.model_copy(update={"sizes": (wan.square,), "group_sizes": ()})
    whole, window = (
        token_count(latent_shape(parts.autoencoder, of, of.frames), parts.widths.patch, settings.reference)
        for of in (wan, square)
    )
    lines = []
    for level, steps in sorted({(s.close_up, s.steps) for s in _all_settings(params) if s.close_up}):
        taken = steps_from(level, steps)
        lines.append(
            f"A close-up from {level:g} takes {taken} steps beside the {steps} of a render, "
            f"at {wan.square[0]}x{wan.square[1]}: for each dancer {taken * window / (steps * whole):.2f} times as long again."
        )
    return ["\n".join(lines)] if lines else []


def _seeds(params: Params) -> list[str]:
    """How many renders are made for one that is kept."""
    tries = {
        (", ".join(batch.videos), " and ".join(batch.rendered), variant): params.render.settings.varied(variant).seeds.tries
        for batch in params.render.batches
        for variant in batch.all_variants()
    }
    lines = [
        f"Of {who} in {videos} {count} renders are made for {variant}, with a seed each, and the best by the judges is kept: "
        f"{count} times as long."
        for (videos, who, variant), count in tries.items()
        if count > 1
    ]
    return ["\n".join(lines)] if lines else []


def _all_settings(params: Params) -> list[RenderSettings]:
    """Those of `render.settings` and of all variants."""
    variants = ("default", *(variant for batch in params.render.batches for variant in batch.all_variants()))
    return [params.render.settings.varied(variant) for variant in variants]


def _casts(params: Params) -> list[str]:
    """Who is who where several dancers become several people."""
    casts = [(", ".join(batch.videos), cast_in_words(batch.cast)) for batch in params.render.batches if batch.cast]
    return ["\n".join(f"In {videos}: {cast}." for videos, cast in casts)] if casts else []


def _rung(rungs: Sequence[Rung], memory: int, *, named: bool = True) -> str:
    """The best rung, or what the least of them needs, with the settings' name or without."""
    best = best_rung(rungs, memory)
    rung = rungs[-1] if best is None else best
    needs = f"{rung.frames} frames, {rung.settings + ', ' if named else ''}{_gib(rung.peak.bytes)}"
    return needs if best else f"no room for {needs}"


def _gib(count: int) -> str:
    return f"{count / GIB:.2f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells padded to columns."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
