"""How the training does on a dance that it does not learn from: losses by noise level, and a clip to look at and to judge."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Train, WanModel
from facedance.train.dataset import Dataset, generator, make_example
from facedance.train.judging import Judging
from facedance.train.learner import Learner
from facedance.train.selection import Judged
from facedance.video.writing import write_video
from facedance.wan.load import load_scheduler, load_vae
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, render_frames

SIGMAS = (0.25, 0.5, 0.75)
FLOW_SHIFT = 3.0  # a few steps at a longer one would end in a jump from strong noise to none: 8 at 16 from 0.70

_log = logging.getLogger("facedance")


@dataclass(frozen=True)
class Stage:
    """What the dance that is held out is rendered and judged with."""

    model: Path
    wan: WanModel
    folder: Path  # gets `step_<n>.mp4`
    judging: Judging | None  # None: nobody judges

    def look(
        self, identity: str, learner: Learner, dataset: Dataset, step: int, phase: int
    ) -> tuple[list[dict[str, Any]], Judged | None]:
        """The losses after a step and what is said of the render, both with what would be saved now."""
        assert dataset.heldout is not None
        with learner.with_average():
            losses = [{"step": step, **loss} for loss in heldout_losses(learner, dataset)]
            _log.info("%s: validation after step %d on %s", identity, step, dataset.heldout.name)
            video = self.folder / f"step_{step}.mp4"
            render_heldout(learner, dataset, self.model, self.wan, video)
        if self.judging is None:
            return losses, None
        judged = Judged(step, phase, self.judging.likeness(video))
        _log.info("%s: step %d: %s", identity, step, _in_words(judged))
        return losses, judged


def is_due(step: int, train: Train, dataset: Dataset) -> bool:
    """Whether the dance that is held out is looked at after a step."""
    total = sum(phase.steps for phase in train.phases)
    return bool(dataset.heldout and train.validate_every) and (step % train.validate_every == 0 or step == total)


def _in_words(judged: Judged) -> str:
    said = judged.likeness
    figures = {"distance": said.identity_distance, "PCK": said.pose_pck, "second judge": said.landmark_distance}
    known = [f"{name} {value:.3f}" for name, value in figures.items() if value is not None]
    return ", ".join([f"a face in {100 * said.face_detected_rate:.0f} % of the frames", *known])


def heldout_losses(learner: Learner, dataset: Dataset) -> list[dict[str, Any]]:
    """Loss on the clip held out with its dancer's own face (right), where that is known, with the person's (wrong) and with none.

    They share their noise. Right below wrong says, long before a recogniser can, that the face is made use of.
    """
    assert dataset.heldout is not None
    item = dataset.heldout.load()
    right = {} if item.embedding is None else {"right": item.embedding}
    faces = {**right, "wrong": dataset.identity, "none": torch.zeros_like(dataset.identity)}
    rows = []
    for sigma in SIGMAS:
        for name, embedding in faces.items():
            example = make_example(
                item,
                text=dataset.text,
                embedding=embedding,
                sigma=sigma,
                with_reference=False,
                face_weight=learner.train.face_weight,
                random=generator(learner.train.seed),
            )
            (lost,) = learner.losses(example)
            rows.append({"sigma": sigma, "face": name, "loss": lost.flow, "face_loss": lost.face})
    return rows


def render_heldout(learner: Learner, dataset: Dataset, model: Path, wan: WanModel, path: Path) -> None:
    """Write the person on the dance held out, in few steps, as the adapter is now."""
    assert dataset.heldout is not None
    reference = dataset.preview_reference
    vae = load_vae(model, learner.transformer.device)
    vae.enable_tiling()  # a training must not need a larger GPU for a clip to look at
    pipeline = FaceVACEPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae,
        scheduler=load_scheduler(model),
        transformer=learner.transformer,
    )
    pipeline.set_progress_bar_config(disable=True)
    settings = RenderSettings(
        prompt="text",
        negative_prompt="no-text",
        steps=learner.train.preview_steps,
        flow_shift=FLOW_SHIFT,
        guidance_scale=learner.train.preview_guidance_scale,
        face_scale=1.0,
        lora_scale=1.0,
        control_scale=1.0,
        reference=True,
        seed=learner.train.seed,
    )
    frames = render_frames(
        pipeline,
        learner.branch,
        ControlLatents(dataset.heldout.load().control, () if reference is None else (reference,)),
        face=dataset.identity[None],
        prompt=dataset.preview_text,
        negative_prompt=dataset.no_text,
        settings=settings,
    )
    write_video(path, frames, wan.fps)
