"""What a rule asks to be rendered, from its inputs and parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import facedance
from facedance.config.batches import renders_of
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Batch, Blend, ForeignLora, RenderMemory, RenderSpeed, WanModel
from facedance.files import sha256
from facedance.job import InputError
from facedance.render.inputs import Person, RenderInputs, RenderJob


@dataclass(frozen=True)
class Request:
    """What all renders of one job share."""

    inputs: RenderInputs
    settings: RenderSettings
    provenance: dict[str, Any]


def render_request(files: Any, values: Mapping[str, Any], loras: Mapping[str, str], latents_folder: Path) -> Request:
    """The shared part of a job's renders.

    Args:
        files: the rule's inputs: `model`, `prompts`, `clips` (the list of the clips that give the music), and `adapters`,
            `embeddings` and `photos` in the order of `values["consent"]`.
        values: `wan`, `model`, `settings`, `memory`, `speed`, `loras`, `blend` and `consent` (of each person shown), all as in
            params.yaml.
        loras: the files of `values["loras"]`, by their names.
        latents_folder: of the clips' latents.
    """
    model = Path(files.model)
    people = {
        name: Person(adapter=Path(adapter), embedding=Path(embedding), photos=Path(photos), consent=consent)
        for (name, consent), adapter, embedding, photos in zip(
            values["consent"].items(), files.adapters, files.embeddings, files.photos, strict=True
        )
    }
    inputs = RenderInputs(
        model=model.parent,
        wan=WanModel(**values["wan"]),
        memory=RenderMemory(**values["memory"]),
        speed=RenderSpeed(**values["speed"]),
        prompts=Path(files.prompts),
        people=people,
        blend=Blend(**values["blend"]) if values["blend"] else None,
        loras={Path(loras[name]): ForeignLora(**lora).scale for name, lora in values["loras"].items()},
        latents_folder=latents_folder,
        clips_folder=Path(files.clips).parents[1],
    )
    provenance = {"facedance": facedance.__version__, "model": values["model"], "model_manifest_sha256": sha256(model)}
    return Request(inputs, RenderSettings(**values["settings"]), provenance)


def shard_jobs(who: str, latents: Path, batches: Sequence[Mapping[str, Any]], settings: RenderSettings) -> list[RenderJob]:
    """The renders that the batches ask for in the accepted clips of a shard, listed in the csv `latents`."""
    asked = renders_of(who, _accepted(latents), [Batch.model_validate(batch) for batch in batches])
    return [RenderJob(who, clip, variant, settings.varied(variant)) for clip, variant in asked]


def single_job(who: str, clip: str, variant: str, latents: Path, settings: RenderSettings) -> RenderJob:
    """One render. Raises InputError for an unknown clip or a variant that is none."""
    if clip not in (known := _accepted(latents)):
        raise InputError(f"there is no clip {clip!r} in its shard; there are {', '.join(known) or 'none'}")
    try:
        return RenderJob(who, clip, variant, settings.varied(variant))
    except ValueError as error:
        raise InputError(str(error)) from None


def _accepted(latents: Path) -> list[str]:
    table = pd.read_csv(latents, dtype=str)
    return list(table.loc[table["status"] == "accepted", "clip"])
