"""Two dancers, two faces: pairs of people in duets that are held out, with the faces in regions and without.

usage: python -m lab.settings.duets [--model assets/tiny] [--pairs 16] [--seeds 0 1 2] [--seconds 1] [--only WAY ...]
       (after `snakemake models`)

Prints a row for each way: means over pairs and seeds. Faces are looked for in the heads as they are drawn; a frame counts where
the heads do not hide each other. Nobody has a LoRA. A duet of a second takes some 25 seconds of a core in each way.
"""

import argparse
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from facedance.config import params
from facedance.config.params import Params
from facedance.config.render_settings import RenderSettings
from facedance.evaluate import pose
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.sight import track_dancer
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.latents.encode import encode_prompts
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE, MEDIAPIPE
from facedance.poses.table import Dancers
from facedance.regions.tokens import region
from facedance.render.casting import Casting
from facedance.render.driving import Driving
from facedance.render.going_on import make_windows, on_poses
from facedance.render.windows import Window, WindowFiles, windows_of
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.face_branch import PlacedFace
from facedance.wan.pipeline import ControlLatents, render_frames
from lab.identity.cast import NAMES
from lab.identity.duets import SIZE, Duet, make_duet
from lab.identity.sitters import Sitter, sitters_in
from lab.settings.renderer import open_renderer
from lab.world.scene import FPS

FACES, POSE = Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
WAYS = ("in regions", "in regions, with references", "exchanged", "without regions")
_AROUND = 0.3  # of a head box, on each side, in which its face is looked for
_APART = 0.8  # of a head's width: nearer heads hide each other
_BESIDE = 0.2  # of a dancer's height, around where they dance
_SMALLEST = 24  # pixels of a face that is looked for


@dataclass(frozen=True)
class Stage:
    """A model, and who looks at what it makes."""

    project: Params
    model: Path
    pipeline: Any
    branch: Any
    backend: DlibBackend

    def dance(self, pair: tuple[Sitter, Sitter], duet: Duet, settings: RenderSettings, way: str, folder: Path) -> Frames:
        """Frames (T, H, W, 3) of the pair in a duet, in the size of clips."""
        encode_prompts(self.model, self.project.wan, {duet.prompt: duet.prompt}, folder / "prompts.safetensors")
        prompt = load_file(folder / "prompts.safetensors")[duet.prompt]
        encoder = LatentEncoder(self.pipeline.vae, *SIZE)
        heads = [encoder.reference(read_picture(who.folder / "reference.png")) for who in pair]
        references = tuple(heads) if way.endswith("references") else ()
        height, width = duet.control.shape[1:3]
        shown = Dancers(MEDIAPIPE, dict(enumerate(duet.found, 1)))
        casting = Casting(Driving(shown, (width, height), self.project.poses, self.project.wan.drawing_side))
        faces = [torch.from_numpy(who.embedding.vector)[None, None] for who in pair]  # (B, F, D) each

        def make(control: ControlLatents, window: Window) -> Frames:
            return render_frames(
                self.pipeline, self.branch, control,
                face=self._placed(casting, faces, window, control, [1, 2][: len(references)], whole=way == "without regions"),
                prompt=prompt, negative_prompt=prompt, settings=settings,
            )  # fmt: skip

        windows = windows_of(len(duet.control), self.project.wan.frames, settings.overlap, settings.fade)
        if len(windows) == 1:
            settings = settings.model_copy(update={"anchor": False})
        files = WindowFiles(folder / way.replace(" ", "_"), "made")
        first = encoder.control(resized(duet.control[: windows[0].end], SIZE))
        conditioned = on_poses(first, lambda frames: duet.control[frames.start : frames.stop], encoder)
        make_windows(windows, files, conditioned, references, encoder, settings, make)
        return resized(files.part(windows, range(len(duet.control))), (width, height))

    def _placed(
        self, casting: Casting, faces: Sequence[Tensor], window: Window, control: ControlLatents, heads: Sequence[int],
        *, whole: bool,
    ) -> list[PlacedFace]:  # fmt: skip
        parts = casting.parts(window, control, heads)
        patch = self.pipeline.transformer.config.patch_size
        regions = {dancer: None if whole else region(part, patch) for dancer, part in parts.items()}
        return [PlacedFace(self.branch, faces[dancer - 1], place) for dancer, place in regions.items()]


def figures(frames: Frames, duet: Duet, pair: tuple[Sitter, Sitter], backend: DlibBackend) -> dict[str, float]:
    """What is seen of a pair in frames (T, H, W, 3) in the size of clips."""
    known = np.stack([who.embedding.raw for who in pair])
    apart = _apart(duet.heads)
    seen = np.stack([[_face(frame, box, backend) for frame, box in zip(frames, boxes, strict=True)] for boxes in duet.heads])
    away = np.linalg.norm(seen[:, :, None] - known, axis=-1)[:, apart]  # (2, S, 2)
    found = np.isfinite(away[..., 0])
    own, other = (away[[0, 1], :, place] for place in ([0, 1], [1, 0]))
    pcks = [_pck(frames, track) for track in duet.found]
    return {
        "frames": float(apart.sum()),
        "found": float(found.mean()),
        "both found": float(found.all(0).mean()),
        "nearer to own": float((own < other)[found].mean()),
        "distance": float(np.nanmean(own)),
        "to the other": float(np.nanmean(other)),
        "PCK": float(np.mean(pcks)),
        "worse PCK": float(np.min(pcks)),
    }


def _apart(heads: NDArray[np.float32]) -> NDArray[np.bool_]:
    """In which frames (T,) heads (2, T, 4) do not hide each other."""
    between = np.abs(heads[0] - heads[1]).reshape(-1, 2, 2).mean(1)  # (T, 2)
    apart: NDArray[np.bool_] = (between > _APART * (heads[0, :, 2:] - heads[0, :, :2])).any(-1)
    return apart


def _face(frame: NDArray[np.uint8], box: NDArray[np.float32], backend: DlibBackend) -> NDArray[np.float32]:
    """What the recogniser sees (D,) of a head, NaN without a face."""
    reach = _AROUND * (box[2:] - box[:2])
    left, top = np.maximum(box[:2] - reach, 0).astype(int)
    right, bottom = np.ceil(box[2:] + reach).astype(int)
    cut = np.ascontiguousarray(frame[top:bottom, left:right])
    faces = backend.detect(cut, _SMALLEST) if cut.size else []
    nothing: NDArray[np.float32] = np.full(backend.dimension, np.nan, np.float32)
    return backend.embed(cut, max(faces, key=lambda face: face.score)).raw if faces else nothing


def _pck(frames: Frames, track: NDArray[np.float32]) -> float:
    """Of the dancer with landmarks (T, 33, 4), who is followed where they should be, as somebody alone is."""
    driving = track[:, COCO_IN_MEDIAPIPE]
    low, high = (pick(track[..., :2], axis=(0, 1)) for pick in (np.nanmin, np.nanmax))
    reach = _BESIDE * (high[1] - low[1])
    left, top = np.maximum(low - reach, 0).astype(int)
    right, bottom = np.ceil(high + reach).astype(int)
    cut = np.ascontiguousarray(frames[:, top:bottom, left:right])
    seen = np.stack([person for _, person in track_dancer(cut, FPS, POSE)])[:, COCO_IN_MEDIAPIPE, :2] + [left, top]
    score = pose.compare(seen, driving[..., :2], driving[..., 3] >= pose.MIN_VISIBILITY)
    return np.nan if score.pck is None else score.pck


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("assets/tiny"))
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of each")
    given = parser.parse_args()
    table = pd.DataFrame([*_rows(given)])
    means = table.groupby("way", sort=False).mean(numeric_only=True).drop(columns="seed")
    print(means.round(3).to_string())


def _rows(given: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    people = sitters_in(PEOPLE, NAMES, backend, LandmarkJudge(installed_predictor()), project.faces)
    pipeline, branch = open_renderer(given.model, project, backend.dimension)
    stage = Stage(project, given.model, pipeline, branch, backend)
    wan = project.wan.model_copy(update={"frames": given.seconds * project.wan.fps + 1})
    draw = functools.partial(make_duet, wan=wan, poses=project.poses, pose_model=POSE)
    for seed in given.seeds:
        for first in range(given.first, given.first + given.pairs):
            pair = people[first], people[(first + 1 + seed) % len(people)]
            duet = draw(f"{pair[0].name} {pair[1].name}", seed)
            for way in given.only:
                both = pair[::-1] if way == "exchanged" else pair
                settings = project.render.settings.model_copy(update={"seed": seed})
                with tempfile.TemporaryDirectory() as folder:
                    frames = stage.dance(both, duet, settings, way, Path(folder))
                if given.pictures:
                    _show(given.pictures / f"{seed}-{first}-{way.replace(' ', '_')}.png", duet, frames)
                names = f"{both[0].name}, {both[1].name}"
                row = {"way": way, "who": names, "seed": seed, **figures(frames, duet, both, backend)}
                print({name: round(cell, 3) if isinstance(cell, float) else cell for name, cell in row.items()}, flush=True)
                yield row


def _show(path: Path, duet: Duet, frames: Frames) -> None:
    """Four frames: as danced, the control, the render."""
    at = np.linspace(0, len(frames) - 1, 4).round().astype(int)
    rows = [np.concatenate([*video[at]], axis=1) for video in (duet.frames, duet.control, frames)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


if __name__ == "__main__":
    main()
