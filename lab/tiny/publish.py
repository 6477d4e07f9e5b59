"""The tiny model as a folder in diffusers' layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import WanVACEPipeline

from facedance.files import replaced, sha256, write_json
from facedance.wan.face_branch import FaceBranch
from facedance.wan.load import new_scheduler
from facedance.wan.pretrained_face import FACE_BRANCH, save_face_branch
from lab.tiny.texts import text_parts

BACKEND = "dlib"
EARLY_LOSSES = 50
_WHAT = "a tiny Wan2.1-VACE with a face branch, trained on made-up dancers; lab/RESULTS.md tells how"
_LICENCE = "as the repository's; all pictures were made from NASA's public-domain portrait of Eileen Collins"


def history(losses: Sequence[float]) -> dict[str, Any]:
    """What is kept of a training's losses: the first ones, which a test makes again, and the mean at the end."""
    return {"first": [round(loss, 5) for loss in losses[:EARLY_LOSSES]], "last": round(float(np.mean(losses[-100:])), 5)}


def publish(folder: Path, *, vae: Any, transformer: Any, branch: FaceBranch, seed: int, meta: Mapping[str, Any]) -> None:
    """Write the model in float16, with `meta` and the digests of the weights in meta.json."""
    tokenizer, encoder = text_parts(seed)
    pipeline = WanVACEPipeline(
        tokenizer=tokenizer,
        text_encoder=encoder.half(),
        vae=vae.half(),
        scheduler=new_scheduler(),
        transformer=transformer.half(),
    )
    with replaced(folder) as part:
        pipeline.save_pretrained(part, safe_serialization=True)
        save_face_branch(branch, part / FACE_BRANCH, BACKEND)
        weights = {str(path.relative_to(part)): sha256(path) for path in sorted(part.rglob("*.safetensors"))}
        write_json(part / "meta.json", {"what": _WHAT, "licence": _LICENCE, **meta, "weights": weights})
