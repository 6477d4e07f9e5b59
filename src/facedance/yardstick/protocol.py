"""What two groups have to share to get the same numbers, as a version, settings and digests: docs/protocol.md in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facedance import layout
from facedance.config.params import Params
from facedance.evaluate.distances import recognised_within
from facedance.evaluate.judge import installed_predictor
from facedance.files import digest, read_json, sha256
from facedance.yardstick.judges import INSIGHTFACE, Panel

VERSION = 1
"""Grows with every change after which the same video can get other numbers."""


def protocol(root: Path, params: Params, judges: Panel) -> dict[str, Any]:
    """The version, the settings and the weights by sha256 that a table was made with, and the digest of all of them."""
    wan, evaluate = params.wan, params.evaluate
    content = {
        "version": VERSION,
        "settings": {
            "fps": wan.fps,
            "every": evaluate.every,
            "sizes": [list(wan.clip_size(size)) for size in wan.sizes],
            "model_sizes": [list(size) for size in wan.sizes],
            "backend": judges.backend.name,
            "recognised_distance": recognised_within(judges.backend, evaluate),
            "poses": params.poses.model_dump(mode="json"),
        },
        "weights": _weights(root, params, judges),
    }
    return {**content, "digest": digest(content)[:16]}


def _weights(root: Path, params: Params, judges: Panel) -> dict[str, str]:
    """Digests of the judges' files by their names."""
    packs = {params.faces.backend} - {INSIGHTFACE} | ({params.faces.insightface_model} if judges.arcface is not None else set())
    found: dict[str, str] = {}
    for pack in sorted(packs):
        files: Mapping[str, Mapping[str, Any]] = read_json(root / layout.FACE_MODEL.format(pack=pack))["files"]
        found |= {f"{pack}/{name}": facts["sha256"] for name, facts in sorted(files.items())}
    found[judges.pose_model.name] = sha256(judges.pose_model)
    if judges.landmarks is not None:
        predictor = installed_predictor()
        found[predictor.name] = sha256(predictor)
    return found
