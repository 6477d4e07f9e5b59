"""What a close-up pass makes of heads that are small, as in videos of whole bodies: people and dances that are held out.

usage: python -m lab.settings.close_ups [--model assets/tiny] [--people 4] [--seeds 0 ...] [--zoom 0.5]
       [--strengths [0.3 0.5 0.7 1.0]] [--enlarge 2] [--window 2.2] [--edge 0.15] [--pictures FOLDER]
       (after `snakemake models`)

Prints a row for each strength, 0 being the render as it is, as large as the others, and one of the person as drawn in the model's
size: means over people and seeds, and the largest change of a pixel outside of the heads. Nobody has a LoRA: the face comes from
the embedding and the reference. A clip takes a minute of a core.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from facedance.config import params
from facedance.config.params import Params
from facedance.config.render_settings import RenderSettings
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.temporal import warping_error
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.poses.skeleton import COCO
from facedance.poses.table import Dancers
from facedance.render import head_view, heads
from facedance.render.closeup import close_up
from facedance.render.driving import Driving
from facedance.render.head_view import View, softness, views_of
from facedance.render.windows import Window, WindowFiles
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents
from facedance.wan.start import Start
from lab.identity.cast import NAMES, folder_name
from lab.identity.clips import Clip, make_clip
from lab.identity.look import Judges
from lab.identity.score import score
from lab.identity.sitters import Sitter, sitters_in
from lab.settings.renderer import frames_of, open_renderer

FACES, POSE = Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
_SHOWN = 4  # times by which the pictures of heads are enlarged


@dataclass(frozen=True)
class Stage:
    """A model, and all that a render takes."""

    project: Params
    pipeline: Any
    branch: Any
    enlarge: int

    def close_ups(self, who: Sitter, clip: Clip, seed: int, strengths: list[float]) -> Iterator[tuple[float, View, Frames]]:
        """The person in a clip as rendered, and then with each strength of the pass; and the view of the head."""
        wan, plain = self.project.wan, self.project.render.settings.model_copy(update={"seed": seed})
        encoder, windows = LatentEncoder(self.pipeline.vae, *wan.sizes[0]), [Window(0, len(clip.control), 0)]
        heads = (encoder.reference(read_picture(who.folder / "reference.png")),)

        def made(settings: RenderSettings, control: ControlLatents, start: Start | None = None) -> Frames:
            return frames_of((self.pipeline, self.branch), who, clip.prompt, control, settings, start)

        width, height = (self.enlarge * side for side in wan.sizes[0])
        frames = resized(made(plain, ControlLatents(encoder.control(clip.control), heads)), (width, height))
        joints = np.insert(clip.joints, 2, np.nan, axis=-1)  # (T, 17, 4), of unknown depth
        driving = Driving(Dancers(COCO, {1: joints}), wan.clip_size(wan.sizes[0]), self.project.poses, wan.drawing_side)
        (view,) = views_of(driving, (width, height), wan, self.enlarge).values()
        yield 0.0, view, frames
        for strength in strengths:
            settings = plain.model_copy(update={"close_up": strength})
            with tempfile.TemporaryDirectory() as folder:
                shown = close_up(
                    view,
                    lambda at: frames[at.start : at.stop],
                    windows,
                    WindowFiles(Path(folder), "made"),
                    encoder,
                    heads,
                    settings,
                    lambda control, window, start, settings=settings: made(settings, control, start),
                )
                yield strength, view, shown(range(len(frames)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("assets/tiny"))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--zoom", type=float, default=0.5, help="how large people are, as a share of the world's")
    parser.add_argument("--strengths", type=float, nargs="*", default=[0.3, 0.5, 0.7, 1.0])
    parser.add_argument("--enlarge", type=int, default=2, help="how many times as large as the model's the videos are")
    parser.add_argument("--window", type=float, default=heads.WINDOW, help="its side, in heights of the head")
    parser.add_argument("--edge", type=float, default=head_view.EDGE, help="of what is made anew, how much passes over")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the heads")
    given = parser.parse_args()
    heads.WINDOW, head_view.EDGE = given.window, given.edge  # constants of the product
    table = pd.DataFrame(_rows(given)).groupby("strength", sort=False)
    means = table.mean(numeric_only=True).drop(columns=["seed", "outside"])
    print(means.assign(outside=table["outside"].max()).round(3).to_string())


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    judge = LandmarkJudge(installed_predictor())
    judges = Judges(backend, judge, POSE, project.evaluate.every, project.wan)
    people = sitters_in(PEOPLE, NAMES, backend, judge, project.faces)  # all of them: whom a face can be taken for
    pipeline, branch = open_renderer(given.model, project, backend.dimension)
    stage = Stage(project, pipeline, branch, given.enlarge)
    for seed in given.seeds:
        for own, who in enumerate(people[: given.people]):
            clip = make_clip(who.face, who.name, seed, project.wan, project.poses, POSE, zoom=given.zoom)
            named = {"who": who.name, "seed": seed}
            yield {"strength": "drawn", **named, **_figures(judges, people, own, clip, clip.truth)}
            plain = None
            for strength, view, frames in stage.close_ups(who, clip, seed, given.strengths):
                plain = frames if plain is None else plain
                row = {"strength": strength, **named, **_figures(judges, people, own, clip, frames)}
                row |= {"flicker of the head": _flicker(view, frames), "outside": _outside(view, plain, frames)}
                print({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}, flush=True)
                if given.pictures:
                    _draw(given.pictures / f"{folder_name(who.name)}_{seed}_{strength:g}.png", view, frames)
                yield row


def _figures(judges: Judges, people: list[Sitter], own: int, clip: Clip, frames: Frames) -> dict[str, float]:
    """What is seen in the frames of a render of `people[own]`."""
    seen = score(judges.look(frames), people, own, (own + 1) % len(people), clip.joints, np.roll(clip.joints, 8, 0))
    return {
        "faces found": seen.detected,
        "distance": seen.to_self,
        "rank-1": seen.rank1,
        "second judge's": seen.judge_rank1,
        "PCK": seen.pck,
        "flicker": seen.flicker,
    }


def _flicker(view: View, frames: Frames) -> float:
    value = warping_error(view.enlarged(frames, range(len(frames))))
    return np.nan if value is None else value


def _outside(view: View, before: Frames, after: Frames) -> float:
    """Grey levels by which a pixel outside of the heads changes at most."""
    heads = np.stack([softness(region, before.shape[2], before.shape[1]) > 0 for region in view.path.regions])
    return float(np.abs(after.astype(int) - before)[~heads].max(initial=0))


def _draw(path: Path, view: View, frames: Frames) -> None:
    """The windows of a few frames beside each other."""
    some = [int(t) for t in np.linspace(0, len(frames) - 1, _SHOWN)]
    boxes = view.path.windows[some].round().astype(int)
    side = view.side * _SHOWN // 2
    cut = [cv2.resize(frames[t, y0:y1, x0:x1], (side, side)) for t, (x0, y0, x1, y1) in zip(some, boxes, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack(cut)).save(path)


if __name__ == "__main__":
    main()
