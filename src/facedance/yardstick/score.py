"""Scores of the videos of a folder, whoever made them: with the judges of the renders, in the columns of their table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facedance.config.params import Params
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.distances import People, recognised_within
from facedance.evaluate.drift import DRIFTS, drift
from facedance.evaluate.figures import FIGURES, figures
from facedance.evaluate.observe import look
from facedance.evaluate.seconds import by_second
from facedance.evaluate.temporal import warping_error
from facedance.files import read_json
from facedance.inputs import files_below, unreadable
from facedance.job import InputError
from facedance.names import shown
from facedance.video.opening import UnreadableVideo
from facedance.video.suffixes import VIDEO_SUFFIXES
from facedance.yardstick.driving import Driving, best_fit
from facedance.yardstick.judges import Panel, Sitter, Witness
from facedance.yardstick.pictures import choose

COLUMNS = (
    "video", "person", "driving", *FIGURES, *DRIFTS, "shape_distance", "arcface_cosine",
    "width", "height", "fps", "note", "reason",
)  # fmt: skip
"""From `frames` to the drifts they are those of the renders' table."""


@dataclass(frozen=True)
class Setting:
    """What all videos share."""

    person: str
    people: People
    sitter: Sitter
    judges: Panel
    params: Params


@dataclass(frozen=True)
class Scored:
    """A video and what was found."""

    path: Path
    driving: Driving | None
    row: Mapping[str, Any]  # `COLUMNS`; None where nothing can be measured
    seconds: Sequence[Mapping[str, Any]]
    seams: Sequence[int]


def videos_of(folder: Path) -> list[Path]:
    """The videos in a folder, at any depth, in the order of their names.

    Raises:
        InputError: there are none.
    """
    found = [Path(path) for path in files_below(str(folder)) if Path(path).suffix.lower() in VIDEO_SUFFIXES]
    if not found:
        raise InputError(f"{folder} holds no videos (mp4, mov, webm and the like): name the folder in which they are")
    return found


def score_videos(folder: Path, dances: Mapping[Path, Driving | None], setting: Setting) -> Iterator[Scored]:
    """Score the videos, given with the dance of each, one after the other; one that cannot be used has a row with the reason."""
    for path, driving in dances.items():
        names = {"video": shown(path.relative_to(folder)), "person": setting.person, "driving": driving.name if driving else ""}
        try:
            if reason := unreadable(str(path)):
                raise UnreadableVideo(reason)
            yield _scored(path, driving, names, setting)
        except UnreadableVideo as error:
            yield Scored(path, driving, {**dict.fromkeys(COLUMNS), **names, "note": "", "reason": str(error)}, (), ())


def _scored(path: Path, driving: Driving | None, names: Mapping[str, str], setting: Setting) -> Scored:
    params, people, fps = setting.params, setting.people, setting.params.wan.fps
    shots = choose(path, params.wan, driving.size if driving else None)
    witness = Witness(setting.judges, setting.sitter)
    seen = look(shots.frames(), witness, setting.judges.pose_model, params.evaluate, fps)
    notes = [shots.note]
    if shots.repeats:  # what is shown twice does not flicker, and a slow video is no calmer for that
        flicker = warping_error(shots.distinct())
        seen = replace(seen, flicker=np.array([np.nan if flicker is None else flicker]))
        notes.append(f"slower than {fps} frames a second")
    target = people.target(setting.person, seen.scored.tolist(), len(seen.people))
    near = recognised_within(setting.judges.backend, params.evaluate)
    wanted = Wanted(target, people.others(setting.person), near, None)
    if driving is not None:
        wanted, fit = best_fit(driving, shots.times, shots.size, seen, wanted)
        notes += [fit, _length(len(seen.people), len(driving.joints))]
    seams = _seams(path, len(seen.people))
    seconds = by_second(seen, wanted, fps)
    measured = {**figures(seen, wanted), **drift(seen, seconds, seams, fps), **witness.said()}
    facts = {"width": shots.own_size[0], "height": shots.own_size[1], "fps": shots.own_fps}
    row = {**names, **_known(measured), **facts, "note": "; ".join(filter(None, notes)), "reason": ""}
    return Scored(path, driving, row, [_known(asdict(second)) for second in seconds], seams)


def _length(frames: int, dance: int) -> str:
    return f"{frames} frames of a dance of {dance}" if frames != dance else ""


def _seams(video: Path, frames: int) -> list[int]:
    """Where the windows of a long render meet, as the file beside it tells; files of others beside their videos tell nothing."""
    try:
        facts = read_json(video.with_suffix(".json"))
    except (OSError, ValueError):
        return []
    found = facts.get("seams") if isinstance(facts, dict) and facts.get("ai_generated") else None
    return [seam for seam in found or () if isinstance(seam, int) and 0 < seam < frames]


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with None for what is not a number."""
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in values.items()}
