"""A model with its face branch, as rendering has them, and nobody's LoRA."""

from pathlib import Path
from typing import Any

from facedance.config.params import Params
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pipeline import load_pipeline
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch


def open_renderer(model: Path, project: Params, dimension: int) -> tuple[Any, FaceBranch]:
    """The pipeline of a model's folder, and its branch for embeddings of this length, which is attached."""
    pipeline = load_pipeline(model, project.wan, project.render.memory, project.render.speed)
    branch = load_face_branch(model / FACE_BRANCH, dimension)
    assert branch is not None
    branch.eval().requires_grad_(False).attach(pipeline.transformer)
    return pipeline, branch
