"""Scores of the renders of one identity in one shard."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import distances, likeness, pose
from facedance.evaluate.asked import asked_poses
from facedance.evaluate.drift import DRIFTS, drift
from facedance.evaluate.figures import FIGURES, figures
from facedance.evaluate.judge import Shape, mean_shape, open_landmark_judge, shape_distance
from facedance.evaluate.kept import Observer
from facedance.evaluate.seams import read_seams
from facedance.evaluate.seconds import Second, by_second
from facedance.evaluate.shown import LookedFor, shown_in, wanted_of
from facedance.faces.embedding import load_embeddings
from facedance.faces.face import FaceBackend
from facedance.faces.photos import read_picture
from facedance.names import CONTROL_PREFIX
from facedance.tables import read_rows, write_table
from facedance.video.frames import Footage

COLUMNS = ("identity", "clip", "variant", "dancer", *FIGURES, "landmark_distance", *DRIFTS)
SECONDS_COLUMNS = ("identity", "clip", "variant", "dancer", *(field.name for field in fields(Second)))


@dataclass(frozen=True)
class ScoreFiles:
    """What the scoring of one identity's renders in one shard reads and writes."""

    renders: Path  # csv: identity, clip, variant, video
    named: Sequence[tuple[str, str, str]]  # further ones that are there by name: identity, clip, variant
    renders_folder: Path  # `<identity>/<clip>/<variant>.mp4`, and a .json beside each
    landmarks: Sequence[Path]  # parquet: the poses that drive the renders
    identities: Mapping[str, Path]  # safetensors: everybody's identity embedding, by name
    references: Mapping[str, Path]  # everybody's best picture, by which the second judge knows them
    dancers: Path  # safetensors: the dancers' embeddings
    pose_model: Path  # MediaPipe's landmarker
    observations: Path  # folder to keep what was seen in each render, `<identity>/<clip>/<variant>.safetensors`
    scores: Path  # csv to write: a row for each render, of several dancers one for each who is shown
    seconds: Path  # csv to write: a row for each second of each of these


def score_shard(
    files: ScoreFiles, backend: FaceBackend, blends: Mapping[str, Blend], params: Evaluate, wan: WanModel, stamp: Path
) -> None:
    """Score every render of the shard; one that was asked for by name is left out where it does not fit its clip any more.

    Columns are `COLUMNS` and `SECONDS_COLUMNS`: distances in the recogniser's measure, `pose_error_px` in pixels of the clip,
    `flicker` in grey levels, rates as shares of all scored frames (faces: every `params.every`-th), the others as in `drift`
    and `Second`. Of several dancers, rates of faces are shares of the scored frames in which the head is to be seen, and
    `pose_detected_rate` of the frames in which the dancer should be there. A cell is empty where nothing can be measured: a
    distance when no face is found, a pose of a ready-made control video, which has no driving landmarks, a drift of a render
    that is too short, whose face it is of a dancer who is left as the model makes them, what the second judge
    says of a blend.
    """
    listed = [(row["identity"], row["clip"], row["variant"]) for row in read_rows(files.renders)]
    renders = list(dict.fromkeys([*listed, *files.named]))
    people = distances.People(
        identities={name: load_embeddings(path)["embedding"] for name, path in sorted(files.identities.items())},
        blends=blends,
        dancers=list(load_embeddings(files.dancers).values()),
    )
    driving = pose.read_dancers(files.landmarks, sorted({clip for _, clip, _ in renders}))
    landmarks = open_landmark_judge()
    observer = Observer(backend, landmarks, files.pose_model, params, wan, stamp, files.observations)
    known = likeness.Judges(backend, landmarks, files.pose_model)
    shapes = {name: known.shape(read_picture(path)) for name, path in files.references.items()}
    near = distances.recognised_within(backend, params)
    rows, by_seconds = [], []
    for i, (name, clip, variant) in enumerate(renders, 1):
        video = files.renders_folder / name / clip / f"{variant}.mp4"
        asked = asked_poses(video.with_suffix(".json"), clip, files.landmarks, driving.get(clip))
        shown = shown_in(name, asked)
        if (name, clip, variant) not in listed and not _fits(video, shown, clip):
            logging.getLogger("facedance").warning("%s was made of another clip: ask for it again to see its scores", video)
            continue
        seams = read_seams(video.with_suffix(".json"))
        for dancer in observer.look(video, f"{name}/{clip}/{variant}", shown):
            wanted = wanted_of(people, shown, dancer, near)
            seconds = by_second(dancer.seen, wanted, wan.fps)
            scores = {**figures(dancer.seen, wanted), **drift(dancer.seen, seconds, seams, wan.fps)}
            scores["landmark_distance"] = _apart(mean_shape(dancer.seen.shapes), shapes.get(shown.who[dancer.number]))
            names = {"identity": name, "clip": clip, "variant": variant, "dancer": dancer.number}
            rows.append({**names, **scores})
            by_seconds += [{**names, **asdict(second)} for second in seconds]
            logging.getLogger("facedance").info(
                "scored %d of %d: %s, %s, %s: face in %s of frames, recognised in %s",
                i, len(renders), shown.in_words(name, dancer.number), clip, variant,
                _share(scores["face_detected_rate"]), _share(scores["recognised_rate"]),
            )  # fmt: skip
    write_table(files.seconds, by_seconds, SECONDS_COLUMNS, digits=4)
    write_table(files.scores, rows, COLUMNS, digits=4)


def _apart(shape: Shape | None, known: Shape | None) -> float | None:
    return None if shape is None or known is None else shape_distance(shape, known)


def _share(rate: float | None) -> str:
    return "unknown" if rate is None else f"{100 * rate:.0f} %"


def _fits(video: Path, shown: LookedFor, clip: str) -> bool:
    """Whether a render has the frames of its clip, as that is now."""
    if clip.startswith(CONTROL_PREFIX):
        return True
    return shown.driving is not None and shown.driving.shape[1] == len(Footage(video))
