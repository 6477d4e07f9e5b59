"""What a rendered video says of itself, beside it and in it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facedance.files import digest, read_json, sha256
from facedance.marks.credentials import Claim
from facedance.marks.reading import has_credentials
from facedance.render.driving import factors_of, taken_from
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.roles import Role
from facedance.render.windows import seams


def render_records(
    jobs: list[RenderJob],
    inputs: RenderInputs,
    prompts: Mapping[str, Tensor],
    roles: Sequence[Role],
    stamp: Path,
    provenance: Mapping[str, Any],
    marks: Mapping[str, Any],
) -> dict[RenderJob, dict[str, Any]]:
    """What each job is made from: settings, people and their consent, model, and the digests of all files that go in.

    `marks` are the facts of how the videos are marked. Of the prompts, encoded ones by their names, those count that a job reads.

    It holds no times and no paths, so that equal inputs give equal records, and it serves as the render's key too.
    """
    common = {
        "ai_generated": True,
        **_people(inputs, roles),
        "blend": inputs.blend.model_dump() if inputs.blend else None,
        "loras": [{"sha256": sha256(path), "scale": scale} for path, scale in inputs.loras.items()],
        "model": inputs.wan.model_dump(),
        "memory": inputs.memory.model_dump(),
        "speed": inputs.speed.model_dump(),
        "marks": dict(marks),
        "provenance": dict(provenance),
        "code": digest(read_json(stamp)["code"]),
    }
    said = {name: {"text": inputs.texts[name], "sha256": _digest(tensor)} for name, tensor in prompts.items()}
    clips = {
        clip: {
            "latents_sha256": sha256(inputs.latents(clip)),
            "control_sha256": sha256(inputs.control(clip)),
            "music_sha256": sha256(music) if music else None,
            "marked_sha256": [sha256(path) for path in marked_inputs(inputs, clip)],
        }
        for clip in {job.clip for job in jobs}
        for music in [inputs.music(clip)]
    }
    placed = {job.clip for job in jobs if inputs.placed(job.settings)}
    landmarks = {clip: landmarks_digest(inputs, clip) for clip in placed}
    drawing = {"drawing": inputs.drawing.model_dump(include={"min_visibility", "face_dots"})}
    return {
        job: {
            "identity": job.identity,
            "clip": job.clip,
            "variant": job.variant,
            "settings": job.settings.model_dump(exclude={"seeds"}),  # of several seeds each has a job
            "prompts": [said[job.settings.prompt], said[job.settings.negative_prompt]],
            **clips[job.clip],
            **({"landmarks_sha256": landmarks[job.clip], **drawing} if inputs.placed(job.settings) else {}),
            **_proportions(inputs, roles, job),
            "seams": seams(inputs.windows(job)),
            **common,
        }
        for job in jobs
    }


def _people(inputs: RenderInputs, roles: Sequence[Role]) -> dict[str, Any]:
    """The people who are shown; of a cast also who is who, by the dancers' numbers in the table of landmarks."""
    people = {
        name: {
            **({"weight": weight} if inputs.cast is None else {}),
            "consent": inputs.people[name].consent,
            "adapter_sha256": sha256(inputs.people[name].adapter),
            "embedding_sha256": sha256(inputs.people[name].embedding),
            "photos_sha256": sha256(inputs.people[name].photos),
        }
        for role in roles
        for name, weight in role.weights.items()
    }
    if inputs.cast is None:
        return {"people": people}
    weights = {role.dancer: {"weights": dict(role.weights)} for role in roles}
    blends = {who: {"blend": blend.model_dump()} for who, blend in inputs.cast.blends.items()}
    cast = {
        str(dancer): {"who": who, **weights.get(dancer, {}), **blends.get(who, {})}
        for dancer, who in sorted(inputs.cast.dancers.items())
    }
    return {"people": people, "cast": cast}


def _proportions(inputs: RenderInputs, roles: Sequence[Role], job: RenderJob) -> dict[str, Any]:
    """By what the dancers' bones are multiplied, and what it was taken from, where a render asks for the person's."""
    factors = factors_of(inputs, roles, job.clip, job.settings)
    if not factors:
        return {}
    return {"proportions": {"factors": {str(dancer): own for dancer, own in factors.items()}, "taken": taken_from(inputs)}}


def landmarks_digest(inputs: RenderInputs, clip: str) -> str:
    """Of the places of a clip's dancers: its shard has other clips."""
    places = {dancer: joints.tobytes() for dancer, joints in inputs.dancers(clip).joints.items()}
    return hashlib.sha256(b"".join(str(dancer).encode() + places[dancer] for dancer in sorted(places))).hexdigest()


def _digest(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def marked_inputs(inputs: RenderInputs, clip: str) -> tuple[Path, ...]:
    """The video that a clip was cut from, if renders are signed and it has signed metadata of its own that has to stay."""
    source = inputs.sources.get(clip)
    wanted = inputs.marks.credentials and source is not None and source.exists()
    return (source,) if wanted and source is not None and has_credentials(source) else ()


def claim_of(record: Mapping[str, Any], marked: tuple[Path, ...]) -> Claim:
    """What is signed of a render: no names, and of files their digests."""
    inputs = {name: record[f"{name}_sha256"] for name in ("latents", "control", "music") if record[f"{name}_sha256"]}
    for number, person in enumerate(record["people"].values(), 1):
        inputs |= {f"{name} of person {number}": person[f"{name}_sha256"] for name in ("adapter", "embedding", "photos")}
    inputs |= {f"LoRA {number}": lora["sha256"] for number, lora in enumerate(record["loras"], 1)}
    if weights := record["provenance"].get("model_manifest_sha256"):
        inputs["model"] = weights
    return Claim(
        model=record["provenance"].get("model", "a model without a name"),
        inputs=inputs,
        record=digest(record),
        people=len(record["people"]),
        watermark=record["marks"]["watermark"] is not None,
        marked=marked,
    )


def metadata_tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Tags for the video file: that it is AI-generated, for people and for machines, and the whole record.

    `digitalsourcetype` is IPTC's term for media made by a model.
    """
    return {
        "title": f"AI-generated video of {record['identity']}",
        "description": "This video is AI-generated: the person in it did not dance this dance.",
        "ai_generated": "true",
        "digitalsourcetype": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "comment": json.dumps(record, sort_keys=True, ensure_ascii=False),
    }
