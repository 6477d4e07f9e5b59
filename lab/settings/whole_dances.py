"""How a dance of several seconds holds together, by how its windows go on: people and dances that are held out.

usage: python -m lab.settings.whole_dances [--model assets/tiny] [--people 4] [--seeds 0 ...] [--seconds 8] [--only WAY ...]
       (after `snakemake models`)

Prints a row for each way: means over people and seeds, and the largest drift. Nobody has a LoRA: the face comes from the
embedding and the reference. A dance of 8 s takes some two minutes of a core in each way.
"""

import argparse
import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from torch import Tensor

from facedance.config import params
from facedance.config.params import Params
from facedance.config.render_settings import RenderSettings
from facedance.evaluate.agreement import Wanted, faces_of, pose_of
from facedance.evaluate.drift import drift
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.observe import observe
from facedance.evaluate.seconds import by_second
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.latents.encode import encode_prompts
from facedance.render.going_on import make_windows, on_poses
from facedance.render.windows import Window, WindowFiles, one_by_one, seams, windows_of
from facedance.video.frames import read_frames
from facedance.video.writing import write_video
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents, render_frames
from lab.identity.cast import NAMES
from lab.identity.clips import Clip, make_clip
from lab.identity.sitters import Sitter, sitters_in
from lab.settings.renderer import open_renderer

FACES, POSE = Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
ALONE: Mapping[str, Any] = {"fade": 0, "anchor": False, "hold_colors": False}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "cut": {"overlap": 0, **ALONE},
    **{f"{given} given": {"overlap": given, **ALONE} for given in (1, 5, 9, 13)},
    "5 given, anchor": {"overlap": 5, **ALONE, "anchor": True},
    "5 given, colors held": {"overlap": 5, **ALONE, "hold_colors": True},
    "5 given, anchor and colors": {"overlap": 5, **ALONE, "anchor": True, "hold_colors": True},
    "5 given, 4 faded": {"overlap": 5, **ALONE, "fade": 4},
    "5 given, 8 faded": {"overlap": 5, **ALONE, "fade": 8},
    "1 given, 8 faded": {"overlap": 1, **ALONE, "fade": 8},
    "5 given, 4 faded, anchor": {"overlap": 5, **ALONE, "fade": 4, "anchor": True},
    "1 given, 4 faded, anchor": {"overlap": 1, **ALONE, "fade": 4, "anchor": True},
    "5 given, latents blended": {"overlap": 5, **ALONE},
}
"""By name, what of the settings a way changes; `_BLENDED` ones hold the given frames' latents besides."""
_BLENDED = "latents blended"


@dataclass(frozen=True)
class Stage:
    """A model, and all that looks at what it makes."""

    project: Params
    model: Path
    pipeline: Any
    branch: Any
    backend: DlibBackend

    def dance(self, who: Sitter, clip: Clip, settings: RenderSettings, folder: Path, blended: bool) -> tuple[Path, list[int]]:
        """The person in a clip, window by window: the video, and its seams."""
        prompts = self._prompts(clip.prompt, folder)
        control = folder / "control.mp4"
        write_video(control, clip.poses, self.project.wan.fps, crf=0)
        windows = windows_of(len(clip.poses), self.project.wan.frames, settings.overlap, settings.fade)
        encoder = LatentEncoder(self.pipeline.vae, *self.project.wan.sizes[0])
        reference = encoder.reference(read_picture(who.folder / "reference.png"))
        first = encoder.control(clip.control[: self.project.wan.frames])
        conditioned = on_poses(first, functools.partial(read_frames, control), encoder)

        def make(conditioning: ControlLatents, window: Window) -> Any:
            with blending(self.pipeline, conditioning) if blended else contextlib.nullcontext():
                return render_frames(
                    self.pipeline,
                    self.branch,
                    conditioning,
                    face=torch.from_numpy(who.embedding.vector)[None],
                    prompt=prompts[clip.prompt],
                    negative_prompt=prompts[clip.prompt],
                    settings=settings,
                )

        files = WindowFiles(folder / "windows", "made")
        make_windows(windows, files, conditioned, (reference,), encoder, settings, make)
        video = folder / "video.mp4"
        write_video(video, one_by_one(windows, functools.partial(files.part, windows)), self.project.wan.fps)
        return video, seams(windows)

    def _prompts(self, said: str, folder: Path) -> Mapping[str, Tensor]:
        encode_prompts(self.model, self.project.wan, {said: said}, folder / "prompts.safetensors")
        return load_file(folder / "prompts.safetensors")

    def figures(self, video: Path, joined: Sequence[int], clip: Clip, people: Sequence[Sitter], own: int) -> dict[str, float]:
        """What is seen in a video of `people[own]`."""
        wan, known = self.project.wan, np.stack([who.embedding.raw for who in people])
        seen = observe(video, self.backend, POSE, self.project.evaluate, wan)
        target = np.repeat(known[own : own + 1], len(seen.scored), axis=0)
        others = np.delete(known, own, axis=0)
        wanted = Wanted(target, others, self.backend.recognised_distance, clip.joints)
        faces, pose = faces_of(seen, wanted, 0, len(seen.people)), pose_of(seen, wanted, 0, len(seen.people))
        assert faces is not None
        values = {
            "found": faces.face_detected_rate,
            "recognised": faces.recognised_rate,
            "distance": faces.identity_distance,
            "PCK": pose.pck,
            **drift(seen, by_second(seen, wanted, wan.fps), joined, wan.fps),
            "flicker": float(seen.flicker[0]),
        }
        return {name: np.nan if value is None else value for name, value in values.items()}


@contextlib.contextmanager
def blending(pipeline: Any, conditioning: ControlLatents) -> Iterator[None]:
    """Let each step end with the latents of the given frames as they are, noised to its level: less so, the later they are."""
    depth, first = pipeline.vae.config.z_dim, len(conditioning.references)
    count = int((conditioning.control[-1, :, 0, 0] == 0).sum())
    kept = conditioning.control[None, :depth, :count]
    share = (1 - torch.arange(count) / max(count, 1))[:, None, None]
    scheduler, step = pipeline.scheduler, pipeline.scheduler.step
    noise: list[Tensor] = []

    def held(output: Tensor, timestep: Any, sample: Tensor, **kwargs: Any) -> tuple[Tensor]:
        if not noise:
            noise.append(sample[:, :, first : first + count].clone())  # nothing but noise, when the first step begins
        made = step(output, timestep, sample, **kwargs)[0]
        sigma = scheduler.sigmas[scheduler.step_index]
        places = made[:, :, first : first + count]
        places.lerp_((1 - sigma) * kept + sigma * noise[0], share)
        return (made,)

    with patch.object(scheduler, "step", held):
        yield


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("assets/tiny"))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--prompt", help="instead of the clip's own, which tells clothes and wall")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    given = parser.parse_args()
    table = pd.DataFrame(_rows(given))
    means = table.groupby("way", sort=False).mean(numeric_only=True).drop(columns="seed")
    worst = table.groupby("way", sort=False)[["background_drift", "clothes_hue_drift", "seam_change", "identity_drift"]].max()
    print(means.round(3).to_string(), "\n\nlargest\n\n", worst.round(3).to_string())


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    project = params.load(Path("params.yaml"))
    backend, judge = DlibBackend(FACES), LandmarkJudge(installed_predictor())
    people = sitters_in(PEOPLE, NAMES, backend, judge, project.faces)  # all of them: whom a face can be taken for
    pipeline, branch = open_renderer(given.model, project, backend.dimension)
    stage = Stage(project, given.model, pipeline, branch, backend)
    long = project.wan.model_copy(update={"frames": given.seconds * project.wan.fps + 1})
    for seed in given.seeds:
        for own, who in enumerate(people[: given.people]):
            clip = make_clip(who.face, who.name, 100 + seed, long, project.poses, POSE)
            clip = clip if given.prompt is None else replace(clip, prompt=given.prompt)
            for way in given.only:
                settings = project.render.settings.model_copy(update={"seed": seed, **WAYS[way]})
                with tempfile.TemporaryDirectory() as folder:
                    video, joined = stage.dance(who, clip, settings, Path(folder), way.endswith(_BLENDED))
                    row = {"way": way, "who": who.name, "seed": seed, **stage.figures(video, joined, clip, people, own)}
                print({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}, flush=True)
                yield row


if __name__ == "__main__":
    main()
