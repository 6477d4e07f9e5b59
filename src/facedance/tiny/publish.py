"""The tiny model as a folder in diffusers' layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers import WanVACEPipeline

from facedance.files import replaced, sha256, write_json
from facedance.tiny.texts import text_parts
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pretrained_face import FACE_BRANCH, save_face_branch
from facedance.wan.tiny import new_scheduler

BACKEND = "dlib"


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
        write_json(part / "meta.json", {**meta, "weights": weights})
