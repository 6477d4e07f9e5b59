"""What a rendered video says of itself, beside it and in it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facedance.files import digest, read_json, sha256
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.windows import seams


def render_records(
    jobs: list[RenderJob],
    inputs: RenderInputs,
    prompts: Mapping[str, Tensor],
    weights: Mapping[str, float],
    stamp: Path,
    provenance: Mapping[str, Any],
) -> dict[RenderJob, dict[str, Any]]:
    """What each job is made from: settings, people and their consent, model, and the digests of all files that go in.

    Of the prompts, encoded ones by their names, those count that a job reads.

    It holds no times and no paths, so that equal inputs give equal records, and it serves as the render's key too.
    """
    people = {
        name: {
            "weight": weight,
            "consent": inputs.people[name].consent,
            "adapter_sha256": sha256(inputs.people[name].adapter),
            "embedding_sha256": sha256(inputs.people[name].embedding),
            "photos_sha256": sha256(inputs.people[name].photos),
        }
        for name, weight in weights.items()
    }
    common = {
        "ai_generated": True,
        "people": people,
        "blend": inputs.blend.model_dump() if inputs.blend else None,
        "loras": [{"sha256": sha256(path), "scale": scale} for path, scale in inputs.loras.items()],
        "model": inputs.wan.model_dump(),
        "memory": inputs.memory.model_dump(),
        "speed": inputs.speed.model_dump(),
        "provenance": dict(provenance),
        "code": digest(read_json(stamp)["code"]),
    }
    said = {name: {"text": inputs.texts[name], "sha256": _digest(tensor)} for name, tensor in prompts.items()}
    clips = {
        clip: {
            "latents_sha256": sha256(inputs.latents(clip)),
            "control_sha256": sha256(inputs.control(clip)),
            "music_sha256": sha256(music) if music else None,
        }
        for clip in {job.clip for job in jobs}
        for music in [inputs.music(clip)]
    }
    return {
        job: {
            "identity": job.identity,
            "clip": job.clip,
            "variant": job.variant,
            "settings": job.settings.model_dump(),
            "prompts": [said[job.settings.prompt], said[job.settings.negative_prompt]],
            **clips[job.clip],
            "seams": seams(inputs.windows(job)),
            **common,
        }
        for job in jobs
    }


def _digest(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


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
