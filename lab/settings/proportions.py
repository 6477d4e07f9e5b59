"""Whose body a render has: people held out, driven by dancers of other proportions, with these skeletons or retargeted ones.

usage: python -m lab.settings.proportions [--model assets/tiny] [--people 4] [--seeds 0 ...] [--pictures FOLDER]
       (after `snakemake models`)

Prints for each way the mean lengths of the bones in the render over those of the person in the same dance, both found by the
landmarker and as shares of the height, and what the judges say: means over people and seeds. PCK is against the skeleton that was
asked for. `drawn` is no render: it is the person's own dance, encoded and decoded, beyond which no render can come. Nobody has a
LoRA. How the people are built is measured in three drawn photos. A clip takes half a minute of a core in each way.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from facedance.config import params
from facedance.config.params import Params
from facedance.config.render_settings import HeadJoints
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.photos import read_picture
from facedance.faces.proportions import lengths_in, of_photos
from facedance.poses.landmarker import open_landmarker
from facedance.poses.proportions import BONES, MEASURES, Proportions, bones, factors, full_lengths
from facedance.poses.retarget import in_view, retargeted
from facedance.poses.skeleton import COCO_IN_MEDIAPIPE, MEDIAPIPE
from facedance.poses.smooth import fill_gaps
from facedance.poses.table import Dancers
from facedance.render.driving import Driving
from facedance.sample.dancer import Camera, Dancer, draw, dressed, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import Body, Key, perform
from facedance.sample.traits import generator
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.pipeline import ControlLatents
from lab.identity.cast import NAMES, WORLD_SEED
from lab.identity.clips import danced, driver_of, tracked
from lab.identity.look import Judges
from lab.identity.score import score
from lab.identity.sitters import Sitter, sitters_in
from lab.settings.renderer import frames_of, open_renderer
from lab.world.words import describe

FACES, POSE = Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
PEOPLE = Path("lab/results/sitters")
DRIVERS = (
    Body(head=0.35, leg=0.35, arm=0.32, shoulders=0.12),
    Body(head=0.47, leg=0.24, torso=0.21, arm=0.235, shoulders=0.098),
)
"""Dancers of other proportions than the world's, one for each seed in turn: small heads and long limbs, or the other way."""

DRAWN, OWN = "drawn", "own dance"
WAYS: dict[str, tuple[bool, HeadJoints]] = {
    DRAWN: (False, "full"),
    "dancer": (False, "full"),
    "person": (True, "full"),
    "person, weak head": (True, "weak"),
    "person, no head": (True, "none"),
    OWN: (False, "full"),
}
"""Whether the skeleton has the person's proportions, and how its head is drawn. Those of `drawn` and `own dance` are found in the
person's own dance, which tells what the model and the landmarker make of the best there can be."""

_LIMBS = {"arm": ("upper_arm", "forearm"), "leg": ("thigh", "shin")}  # as in blurred ones elbows and knees are hard to find
_WHOLE = [name for name in BONES if name not in sum(_LIMBS.values(), ())] + [*_LIMBS]

_STANDING = (Key(), Key(left_hand=(0.9, -0.3, 0.1), right_hand=(0.9, -0.3, 0.1)), Key(left_foot=(0.5, 0, 0), head_tilt=4))
_PHOTO = (480, 640)  # width and height


@dataclass(frozen=True)
class Stage:
    """A model, and who looks at what it makes."""

    project: Params
    pipeline: Any
    branch: Any
    judges: Judges

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of clips."""
        return self.project.wan.clip_size(self.project.wan.sizes[0])

    def dance(self, who: Sitter, prompt: str, driving: Driving, seed: int) -> Frames:
        """The person in these poses."""
        wan, settings = self.project.wan, self.project.render.settings.model_copy(update={"seed": seed})
        encoder = LatentEncoder(self.pipeline.vae, *wan.sizes[0])
        heads = (encoder.reference(read_picture(who.folder / "reference.png")),)
        control = resized(driving.poses(range(wan.frames)), wan.sizes[0])
        latents = ControlLatents(encoder.control(control), heads)
        return frames_of((self.pipeline, self.branch), who, prompt, latents, settings)

    def decoded(self, frames: Frames) -> Frames:
        """What is left of frames in the model's latents."""
        encoder = LatentEncoder(self.pipeline.vae, *self.project.wan.sizes[0])
        return resized(encoder.decode(encoder.video(frames)), self.size)

    def found(self, frames: Frames) -> NDArray[np.float32]:
        """Landmarks (T, 33, 4) of a dancer, as the poses stage finds them."""
        joints, _ = fill_gaps(tracked(frames, self.project.wan.fps, self.project.poses, POSE), self.project.poses.max_gap_frames)
        return joints


def in_photos(who: Dancer) -> Proportions:
    """How somebody is built, as three photos of them tell, in which they stand."""
    camera, lengths = Camera(*_PHOTO), {}
    head, room = Head(who.face, who.body.head * camera.scale), empty_room(who, camera)
    skeleton = perform([*_STANDING], 2 * np.arange(len(_STANDING), dtype=np.float64), who.body)
    with open_landmarker(POSE, "image") as landmarker:
        for i in range(len(_STANDING)):
            people = landmarker.detect(draw(who, head, skeleton, i, camera, room)[0])
            if len(people):
                lengths[str(i)] = lengths_in(people[0], _PHOTO)
    return of_photos(lengths)


def shares(lengths: Mapping[str, float]) -> dict[str, float]:
    """Lengths of bones as shares of the height."""
    height = sum(lengths[name] for name in MEASURES[0])
    return {name: lengths[name] / height for name in BONES}


def mean_lengths(joints: NDArray[np.floating]) -> dict[str, float]:
    """How long each bone of MediaPipe's joints (T, 33, 2 or more) is on average.

    The upper quartile, by which a skeleton is retargeted, tells of the landmarker's slips in a blurred render.
    """
    return {name: float(np.nanmean(lengths)) for name, lengths in bones(joints, MEDIAPIPE).items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("assets/tiny"))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", choices=[*WAYS], default=[*WAYS], metavar="WAY")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of each clip")
    given = parser.parse_args()
    table = pd.DataFrame(_rows(given)).groupby("way", sort=False)
    print(table.mean(numeric_only=True).drop(columns="seed").round(3).T.to_string())


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    project, backend = params.load(Path("params.yaml")), DlibBackend(FACES)
    judge = LandmarkJudge(installed_predictor())
    people = sitters_in(PEOPLE, NAMES, backend, judge, project.faces)  # all of them: whom a face can be taken for
    stage = Stage(
        project,
        *open_renderer(given.model, project, backend.dimension),
        Judges(backend, judge, POSE, project.evaluate.every, project.wan),
    )
    for seed in given.seeds:
        for own in range(given.people):
            place = f"clip {people[own].name}/{seed}/0"
            driver = replace(driver_of(place), body=DRIVERS[seed % len(DRIVERS)])
            body = dressed(people[own].face, generator(f"body {people[own].name}", WORLD_SEED)).body
            person = replace(driver, face=people[own].face, body=body)
            truth = danced(place, person, project.wan.frames, stage.size[0]).frames
            their_own = stage.found(truth)
            known = mean_lengths(their_own)
            joints = stage.found(danced(place, driver, project.wan.frames, stage.size[0]).frames)
            photos = in_photos(person)
            drawn = {"by": photos.shows, "photos off": _off(shares(photos.lengths), shares(full_lengths(their_own, MEDIAPIPE)))}
            pictures = [resized(truth, project.wan.sizes[0])]
            for way in given.only:
                driving = _driving(stage, their_own if way in (DRAWN, OWN) else joints, photos, *WAYS[way])
                frames = stage.decoded(truth) if way == DRAWN else stage.dance(people[own], describe(driver), driving, seed)
                pictures += [resized(driving.poses(range(len(frames))), project.wan.sizes[0]), frames]
                row = {"way": way, "who": people[own].name, "seed": seed, **drawn}
                row |= _figures(stage, people, own, driving.dancers.joints[1], frames, shares(known))
                print({name: round(cell, 3) if isinstance(cell, float) else cell for name, cell in row.items()}, flush=True)
                yield row
            if given.pictures:
                _draw(given.pictures / f"{people[own].folder.name}_{seed}.png", pictures)


def _driving(stage: Stage, joints: NDArray[np.float32], photos: Proportions, persons: bool, head_joints: HeadJoints) -> Driving:
    if persons:
        wanted = factors(full_lengths(joints, MEDIAPIPE), photos.lengths)
        joints = retargeted(joints, MEDIAPIPE, in_view(joints, MEDIAPIPE, wanted, stage.size))
    project = stage.project
    return Driving(Dancers(MEDIAPIPE, {1: joints}), stage.size, project.poses, project.wan.drawing_side, head_joints)


def _figures(
    stage: Stage,
    people: list[Sitter],
    own: int,
    joints: NDArray[np.float32],
    frames: Frames,
    known: Mapping[str, float],
) -> dict[str, float]:
    """What is seen in a render of `people[own]`, of whose height the bones have these shares."""
    poses = joints[:, COCO_IN_MEDIAPIPE][..., [0, 1, 3]]
    sight = stage.judges.look(frames)
    seen = score(sight, people, own, (own + 1) % len(people), poses, np.roll(poses, 8, 0))
    made, asked = (shares(mean_lengths(of)) for of in (sight.people, joints))
    made, asked, known = ({**of, **_limbs(of)} for of in (made, asked, known))
    return {
        **{name: made[name] / known[name] for name in known},
        "off": _off(made, known),
        "limbs whole, off": _off(made, known, _WHOLE),
        "asked off": _off(asked, known),
        "off what was asked": _off(made, asked),
        "PCK": seen.pck,
        "faces found": seen.detected,
        "distance": seen.to_self,
        "rank-1": seen.rank1,
        "second judge's": seen.judge_rank1,
    }


def _limbs(lengths: Mapping[str, float]) -> dict[str, float]:
    return {name: sum(lengths[bone] for bone in parts) for name, parts in _LIMBS.items()}


def _off(lengths: Mapping[str, float], wanted: Mapping[str, float], bones: Sequence[str] = tuple(BONES)) -> float:
    return float(np.mean([abs(lengths[name] / wanted[name] - 1) for name in bones]))


def _draw(path: Path, videos: list[Frames]) -> None:
    """Three frames of each, in the size of the smallest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = min(video.shape[1:3] for video in videos)
    columns = [np.vstack([*resized(video[[0, 8, 16]], (width, height))]) for video in videos]
    Image.fromarray(np.hstack(columns)).save(path)


if __name__ == "__main__":
    main()
