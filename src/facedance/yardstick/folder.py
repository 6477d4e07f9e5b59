"""From a folder of videos to their table and their page, with everything that they share looked at once."""

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import facedance
from facedance import layout
from facedance.config.params import Params
from facedance.evaluate.distances import People
from facedance.faces.embedding import Embedding, load_embeddings
from facedance.files import sha256
from facedance.inputs import photos_in
from facedance.job import InputError
from facedance.tables import read_rows
from facedance.yardstick.driving import Driving, of_clip, of_video
from facedance.yardstick.judges import NOBODY, Panel, Sitter, meet, open_judges
from facedance.yardstick.page import write_page
from facedance.yardstick.protocol import protocol
from facedance.yardstick.score import Scored, Setting, score_videos, videos_of
from facedance.yardstick.tables import write_tables


@dataclass(frozen=True)
class Request:
    """What is to be judged, and where the results go."""

    folder: Path  # the videos
    person: str  # or a blend
    driving: str  # name of a clip, or path of a video; "": clips are known by the names of the videos or of their folders
    out: Path


def score_folder(root: Path, params: Params, request: Request) -> Iterator[Scored]:
    """Score the videos as the person of the project at `root`, each given as soon as it is; then write the table and the page.

    Raises:
        InputError: something that is asked for is not there, or the results would lie among the videos.
    """
    person = request.person
    if not request.folder.is_dir():
        raise InputError(f"{request.folder} is no folder: name the one in which the videos are")
    if request.out.resolve().is_relative_to(request.folder.resolve()):
        raise InputError(f"{request.out} lies in {request.folder}, whose videos are judged: choose another --out")
    videos = videos_of(request.folder)
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"no results can be kept in {request.out} ({error.strerror}): choose another --out") from None
    people = people_of(root, person, params)
    judges = open_judges(root, params)
    dances = _dances(videos, root, params, request.driving, judges)
    sitter = sitter_of(root, person, params, judges)
    scored = []
    for one in score_videos(request.folder, dances, Setting(person, people, sitter, judges, params)):
        scored.append(one)
        yield one
    made_with = {
        "facedance": facedance.__version__,
        "protocol": protocol(root, params, judges),
        "person": {"name": person, "embeddings": _digests(root, person, params)},
        "others": {"people": len(people.identities) - 1, "dancers": len(people.dancers)},
    }
    write_tables(request.out, scored, made_with)
    write_page(request.out, root, person, scored, params, made_with)


def people_of(root: Path, person: str, params: Params) -> People:
    """Everybody whose face is known, as the renders' scores have them.

    Raises:
        InputError: `person` is nobody, or one whose face is not known yet.
    """
    known = [*params.identities, *params.render.blends]
    if person not in known:
        raise InputError(
            f"nobody is called {person!r}: --person is a person or blend of params.yaml ({', '.join(known) or 'none'})"
        )
    places = {name: root / layout.EMBEDDING.format(identity=name) for name in params.identities}
    for name in params.render.members(person):
        if not places[name].is_file():
            raise InputError(f"the face of {name} is not known yet: `facedance run faces` learns it from data/photos/{name}")
    identities = {name: load_embeddings(place)["embedding"] for name, place in sorted(places.items()) if place.is_file()}
    if missing := sorted(places.keys() - identities.keys()):
        logging.getLogger("facedance").warning("not told apart from %s, whose faces are not known yet", ", ".join(missing))
    dancers: list[Embedding] = []
    if (file := root / layout.ALL_DANCERS).is_file():
        dancers = list(load_embeddings(file).values())
    return People(identities, params.render.blends, dancers)


def _dances(videos: list[Path], root: Path, params: Params, driving: str, judges: Panel) -> dict[Path, Driving | None]:
    """The dance of each video; clips and their landmarks are read once."""
    if driving:
        dance = of_clip(root, driving, params)
        if dance is None and Path(driving).is_file():
            dance = of_video(Path(driving), params, judges.pose_model)
        if dance is None:
            raise InputError(
                f"{driving} is neither a clip of {layout.ALL_CLIPS} with a pose nor a video: --driving takes one of these"
            )
        return dict.fromkeys(videos, dance)
    clip = functools.cache(lambda name: of_clip(root, name, params))
    return {video: clip(video.stem) or clip(video.parent.name) for video in videos}


def sitter_of(root: Path, person: str, params: Params, judges: Panel) -> Sitter:
    """What the further judges know of a person from the photos that were accepted; of a blend they know nothing."""
    table = root / layout.PHOTO_LIST.format(identity=person)
    if person not in params.identities or not table.is_file() or (judges.landmarks is None and judges.arcface is None):
        return NOBODY
    accepted = {row["photo"] for row in read_rows(table) if row["status"] == "accepted"}
    photos = photos_in(str(root / layout.folder(layout.PHOTO) / person))
    return meet({name: Path(path) for name, path in photos.items() if name in accepted}, judges, params.faces)


def _digests(root: Path, person: str, params: Params) -> dict[str, Any]:
    return {name: sha256(root / layout.EMBEDDING.format(identity=name)) for name in params.render.members(person)}
