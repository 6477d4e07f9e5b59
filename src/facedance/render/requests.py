"""What a rule asks to be rendered, from its inputs and parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

import facedance
from facedance.config.batches import renders_of
from facedance.config.marks import Marks
from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import Batch, Blend, ForeignLora, RenderMemory, RenderSpeed
from facedance.config.sections import Poses, Section, WanModel
from facedance.files import sha256
from facedance.job import InputError
from facedance.render.inputs import Cast, JudgeFiles, Person, RenderInputs, RenderJob
from facedance.tables import read_rows


class RuleFiles(Protocol):
    """The inputs of a rule that renders; `adapters`, `embeddings` and `photos` are in the order of the people shown."""

    model: str  # manifest.json of the video model
    prompts: str  # safetensors: text embeddings by their texts
    controls: str  # csv: their control videos
    clips: str  # csv: the clips, which give the music
    adapters: Sequence[str]
    embeddings: Sequence[str]
    photos: Sequence[str]
    proportions: Sequence[str]  # json: of the same people; none where no render asks for it
    landmarks: Sequence[str]  # parquet: where the dancers of the clips are; none for ready-made control videos
    # Of those who judge where several seeds are tried, else none:
    face_model: Sequence[str]  # manifest.json of the recogniser
    further_model: Sequence[str]  # and of another one, where it is here
    pose_model: Sequence[str]
    references: Sequence[str]  # png, in the order of the people shown


class RuleParams(Section):
    """The parameters of a rule that renders, as in params.yaml but for the last ones."""

    wan: WanModel
    model: str  # the model's name
    settings: RenderSettings
    memory: RenderMemory
    speed: RenderSpeed
    loras: dict[str, ForeignLora]
    blend: Blend | None  # None when one person is shown, or a cast
    consent: dict[str, str]  # of each person shown
    marks: Marks
    cast: dict[int, str] | None = None
    blends: dict[str, Blend] = Field({})  # those in the cast
    poses: Poses = Poses()  # how skeletons are drawn
    backend: Literal["dlib", "insightface"] | None = None  # the recogniser who judges where several seeds are tried


@dataclass(frozen=True)
class Request:
    """What all renders of one job share."""

    inputs: RenderInputs
    settings: RenderSettings
    provenance: dict[str, Any]


def render_request(
    files: RuleFiles, params: RuleParams, texts: Mapping[str, str], loras: Mapping[str, str], latents_folder: Path
) -> Request:
    """The shared part of a job's renders.

    Args:
        files: the rule's inputs.
        params: the rule's parameters.
        texts: what the prompts say of whom is shown, by their names.
        loras: the files of `params.loras`, by their names.
        latents_folder: of the clips' latents.
    """
    model = Path(files.model)
    proportions_of: Sequence[Path | None] = [Path(file) for file in files.proportions] or [None] * len(params.consent)
    people = {
        name: Person(Path(adapter), Path(embedding), Path(photos), consent, proportions)
        for (name, consent), adapter, embedding, photos, proportions in zip(
            params.consent.items(), files.adapters, files.embeddings, files.photos, proportions_of, strict=True
        )
    }
    inputs = RenderInputs(
        model=model.parent,
        wan=params.wan,
        memory=params.memory,
        speed=params.speed,
        prompts=Path(files.prompts),
        texts=texts,
        people=people,
        blend=params.blend,
        loras={Path(loras[name]): lora.scale for name, lora in params.loras.items()},
        latents_folder=latents_folder,
        controls_folder=Path(files.controls).parents[1],
        clips_folder=Path(files.clips).parents[1],
        marks=params.marks,
        sources=_sources(Path(files.clips)),
        cast=Cast(params.cast, params.blends) if params.cast else None,
        landmarks=Path(files.landmarks[0]) if files.landmarks else None,
        judges=_judges(files, params),
        drawing=params.poses,
    )
    provenance = {"facedance": facedance.__version__, "model": params.model, "model_manifest_sha256": sha256(model)}
    return Request(inputs, params.settings, provenance)


def shard_jobs(who: str, latents: Path, batches: Sequence[Batch], settings: RenderSettings) -> list[RenderJob]:
    """The renders that the batches ask for in the accepted clips of a shard, listed in the csv `latents`."""
    asked = renders_of(who, _accepted(latents), batches)
    return [RenderJob(who, clip, variant, settings.varied(variant)) for clip, variant in asked]


def single_job(who: str, clip: str, variant: str, latents: Path, settings: RenderSettings) -> RenderJob:
    """One render. Raises InputError for an unknown clip or a variant that is none."""
    if clip not in (known := _accepted(latents)):
        raise InputError(f"there is no clip {clip!r} in its shard; there are {', '.join(known) or 'none'}")
    try:
        return RenderJob(who, clip, variant, settings.varied(variant))
    except ValueError as error:
        raise InputError(str(error)) from None


def _judges(files: RuleFiles, params: RuleParams) -> JudgeFiles | None:
    if params.backend is None:
        return None
    (recogniser,), (pose_model,) = files.face_model, files.pose_model
    other = "dlib" if params.backend == "insightface" else "insightface"
    return JudgeFiles(
        backend=params.backend,
        recogniser=Path(recogniser).parent,
        pose_model=Path(pose_model),
        references={name: Path(picture) for name, picture in zip(params.consent, files.references, strict=True)},
        further=dict(zip([other], [Path(manifest).parent for manifest in files.further_model], strict=False)),
    )


def _sources(clips: Path) -> dict[str, Path]:
    return {row["clip"]: Path(row["source"]) for row in read_rows(clips)}


def _accepted(latents: Path) -> list[str]:
    return [row["clip"] for row in read_rows(latents) if row["status"] == "accepted"]
