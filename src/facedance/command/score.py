"""`facedance score FOLDER --person NAME`: anybody's videos before the judges of the renders."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facedance import layout
from facedance.command.project import parameters
from facedance.names import video_id

HELP = (
    "Score videos of any program as renders are scored. Looked at are: in how many frames a face is found, how far it is from "
    "the person by the recogniser, by the shape of 68 landmarks and (where ArcFace's weights are) by ArcFace, how well the pose "
    "follows the driving dance, flicker, and what drifts. Sizes and frame rates may be any; docs/protocol.md says how they are "
    "brought together, so that two groups get the same numbers. The driving dance is a clip of this project or a video; without "
    "--driving it is the clip whose name a video or its folder has, if there is one. Written are scores.csv, scores.json and "
    "index.html, on which this project's own renders of the same dance stand beside them. The exit code is 0, or 2 when the "
    "command itself is wrong; videos that cannot be read have a row with the reason."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="with the videos, at any depth")
    parser.add_argument("--person", metavar="NAME", required=True, help="who they should show: a person or blend of params.yaml")
    parser.add_argument("--driving", metavar="CLIP_OR_VIDEO", default="", help="the dance that all of them should follow")
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="for the results (default: results/score/NAME/FOLDER)")


def run(given: argparse.Namespace) -> int:
    """Score the videos of the folder and say where the results are. Raises InputError for what cannot be used."""
    from facedance.yardstick.folder import Request, score_folder  # noqa: PLC0415  (it is heavy, and --help is not)

    params = parameters()
    out = given.out or Path(layout.SCORED.format(who=given.person, folder=video_id(given.folder.resolve().name))).parent
    for one in score_folder(Path(), params, Request(given.folder, given.person, given.driving, out)):
        print(_in_words(one.row), flush=True)
    print(f"{out / 'scores.csv'}, {out / 'scores.json'}; open {out / 'index.html'} in a browser")
    return 0


def _in_words(row: Mapping[str, Any]) -> str:
    if row["reason"]:
        return f"{row['video']}: not scored, the video {row['reason']}"
    said = [f"face in {row['face_detected_rate']:.0%} of the frames, recognised in {row['recognised_rate']:.0%}"]
    if row["identity_distance"] is not None:
        said.append(f"distance {row['identity_distance']:.3f}")
    if row["pose_pck"] is not None:
        said.append(f"PCK@0.2 {row['pose_pck']:.3f}")
    return f"{row['video']}: {', '.join(said)}"
