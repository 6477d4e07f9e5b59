"""A model with its face branch, as rendering has them, and nobody's LoRA; and what it makes of a person."""

from pathlib import Path
from typing import Any

import torch

from facedance.config.params import Params
from facedance.config.render_settings import RenderSettings
from facedance.video.pictures import Frames
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pipeline import ControlLatents, load_pipeline, render_frames
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from facedance.wan.start import Start
from lab.identity.sitters import Sitter
from lab.tiny.texts import encode_texts


def open_renderer(model: Path, project: Params, dimension: int) -> tuple[Any, FaceBranch]:
    """The pipeline of a model's folder, and its branch for embeddings of this length, which is attached."""
    pipeline = load_pipeline(model, project.wan, project.render.memory, project.render.speed)
    branch = load_face_branch(model / FACE_BRANCH, dimension)
    assert branch is not None
    branch.eval().requires_grad_(False).attach(pipeline.transformer)
    return pipeline, branch


def frames_of(
    renderer: tuple[Any, FaceBranch],
    who: Sitter,
    prompt: str,
    control: ControlLatents,
    settings: RenderSettings,
    start: Start | None = None,
) -> Frames:
    """The frames (T, H, W, 3) of a person in a control video, by what `open_renderer` gave."""
    pipeline, branch = renderer
    text, face = encode_texts([prompt], 0)[prompt], torch.from_numpy(who.embedding.vector)[None]
    return render_frames(pipeline, branch, control, face=face, prompt=text, negative_prompt=text, settings=settings, start=start)
