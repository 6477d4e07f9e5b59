"""The dancers' own faces in the clips: where they are, and whose they are. Training conditions each clip on its own dancer.

Faces are looked for, recognised and cut out in the pixels of the clips' videos.
"""

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pillow

from facedance.clips.original import Original
from facedance.config.sections import Dancers, Faces
from facedance.faces.aggregate import aggregate
from facedance.faces.crop import square_crop
from facedance.faces.embedding import Embedding, load_embeddings, save_embeddings
from facedance.faces.face import Face, FaceBackend, Image
from facedance.faces.reference import head_on_white
from facedance.files import atomic, sha256
from facedance.names import video_of_clip
from facedance.rerun.item_cache import item_key, record, reusable
from facedance.tables import read_rows

_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_SHOULDERS = ("left_shoulder", "right_shoulder")
_CROP = 3.0  # side of the square searched around the head, in distances from head to shoulders
_NEAR = 0.5  # a face farther than this from the head, in the same measure, is a bystander's
_SMALLEST_FACE = 24  # pixels
_LEAST_FACE = 0.4  # of the distance from head to shoulders: a dancer's face is about as large as that
_PICTURE = 256  # pixels: side of the picture of the dancer's head
_MOST_LOOKS = 240  # a minute at one of four frames; a longer clip is looked at more seldom, as another face then tells little


@dataclass(frozen=True)
class DancerFiles:
    """What the search for the dancers' faces in one shard reads and writes."""

    clips: Path  # csv of the pose stage: clip, status
    cuts: Path  # csv of the clips stage: where in its video each was cut
    clips_folder: Path  # `<clip>.mp4`
    videos: Mapping[str, Path]  # by their names
    landmarks: Path  # parquet of the pose stage
    boxes: Path  # parquet to write: clip, dancer, frame, x0, y0, x1, y1 in pixels of the clip
    embeddings: Path  # safetensors to write, by clip; of a group, by `dancer_id`
    folder: Path  # for pictures of the heads of those who dance alone, `<clip>.png`


@dataclass(frozen=True)
class Head:
    """Where the pose says that the dancer's head is."""

    centres: NDArray[np.float64]  # (F, 2) x, y in pixels of the clip; NaN where unknown
    neck: float  # median distance from the head's to the shoulders' middle, in pixels


@dataclass(frozen=True)
class Dancer:
    """One dancer of a clip."""

    looked: int  # number of frames looked at
    seen: int  # and of those with a face
    boxes: dict[int, NDArray[np.float64]]  # by frame: (4,) x0, y0, x1, y1 in pixels of the clip
    embedding: Embedding | None
    picture: Image | None  # head on white


def embed_shard(files: DancerFiles, backend: FaceBackend, params: Dancers, faces: Faces, stamp: Path) -> None:
    """Find the dancers' faces in every accepted clip of a shard.

    A dancer gets no embedding when the face is seen in fewer than `params.min_faces` of the frames looked at. What was made of
    a clip is kept while the clip, its landmarks, the parameters and the code are the same.
    """
    log = logging.getLogger("facedance")
    folder = files.folder
    clips = [row["clip"] for row in read_rows(files.clips) if row["status"] == "accepted"]
    poses = pd.read_parquet(files.landmarks, columns=["clip", "dancer", "frame", "joint", "x", "y"])
    by_clip = dict(tuple(poses.groupby("clip")))
    cuts = {row["clip"]: row for row in read_rows(files.cuts)}
    tracks: list[pd.DataFrame] = []
    identities: dict[str, Embedding] = {}
    for i, clip in enumerate(clips, 1):
        if clip not in by_clip:
            log.info("clip %d of %d, %s: no pose, so no face is looked for", i, len(clips), clip)
            continue
        path = files.clips_folder / f"{clip}.mp4"
        original = Original.of(path, files.videos[video_of_clip(clip)], cuts[clip])
        size = list(original.picture_size)
        key = item_key(stamp, sha256(path), size, pd.util.hash_pandas_object(by_clip[clip], index=False).astype(str).tolist())
        facts = reusable(folder, clip, key)
        if facts is None:
            people = [
                embed_clip(original, rows, backend, params, faces.detector_score) for _, rows in by_clip[clip].groupby("dancer")
            ]
            facts = _keep(people, folder, clip, key)
        of_clip = facts["dancers"]
        for number, fact in enumerate(of_clip, 1):
            name = dancer_id(clip, number, len(of_clip))
            log.info("clip %d of %d, %s: face seen in %d of %d frames", i, len(clips), name, fact["seen"], fact["looked"])
            boxes = pd.DataFrame(fact["boxes"], columns=["frame", "x0", "y0", "x1", "y1"])
            tracks.append(boxes.assign(clip=clip, dancer=number))
            if fact["embedding"] is not None:
                identities[name] = Embedding.of(np.array(fact["embedding"]))
    pictures = {clip: sha256(picture) for clip in identities if (picture := folder / f"{clip}.png").exists()}
    # With the pictures' digests: a changed picture is a changed file here.
    save_embeddings(files.embeddings, identities, {"backend": backend.name, **pictures})
    _write_boxes(tracks, files.boxes)


def dancer_id(clip: str, number: int, dancers: int) -> str:
    """What the embedding of one of the dancers of a clip is called: like the clip, and in a group with the number (from 1)."""
    return clip if dancers == 1 else f"{clip}~{number}"


def gather_dancers(shards: Iterable[Path], path: Path) -> None:
    """Write the embeddings of all shards, by clip, as one file."""
    save_embeddings(path, {clip: embedding for shard in shards for clip, embedding in load_embeddings(shard).items()}, {})


def pictures_of(embeddings: Path, folder: Path, videos: Collection[str]) -> dict[str, Path]:
    """The pictures of the dancers' heads in a folder, by clip, of those whose face is known in these videos' clips."""
    clips = [clip for clip in load_embeddings(embeddings) if video_of_clip(clip) in videos]
    return {clip: path for clip in clips if (path := folder / f"{clip}.png").exists()}


def embed_clip(original: Original, poses: pd.DataFrame, backend: FaceBackend, params: Dancers, min_score: float) -> Dancer:
    """The dancer's face in a clip whose landmarks are given (columns frame, joint, x, y, in pixels of the clip)."""
    head = head_of(poses, original.frames)
    scale = np.array(original.picture_size) / original.size  # (2,) pixels looked at in one of the clip
    every = max(params.every, math.ceil(original.frames / _MOST_LOOKS))
    looked = [f for f in range(0, original.frames, every) if np.isfinite(head.centres[f]).all()]
    seen: dict[int, Face] = {}
    vectors, best = [], None
    for f, picture in zip(looked, original.pictures(looked) if looked else (), strict=True):
        face = find_dancer(picture, head.centres[f] * scale, head.neck * float(scale.mean()), backend, min_score)
        if face is None:
            continue
        vectors.append(backend.embed(picture, face))
        if best is None or face.score > best[1].score:
            best = picture, face
        seen[f] = replace(face, box=np.asarray(face.box / np.tile(scale, 2), np.float32))
    return Dancer(
        looked=len(looked),
        seen=len(seen),
        # One look without a face may be chance; after several, the dancer has turned away.
        boxes=follow(seen, head.centres, reach=2 * every),
        embedding=aggregate(vectors, [], "median") if len(vectors) >= params.min_faces else None,
        picture=None if best is None else head_on_white(*best, _PICTURE),
    )


def head_of(poses: pd.DataFrame, frames: int) -> Head:
    """The head's place in each frame, from the landmarks of one clip (columns frame, joint, x, y)."""

    def middle(joints: Iterable[str]) -> pd.DataFrame:
        return poses[poses["joint"].isin(list(joints))].groupby("frame")[["x", "y"]].mean().reindex(range(frames))

    head, shoulders = middle(_HEAD).to_numpy(float), middle(_SHOULDERS).to_numpy(float)
    return Head(head, float(np.nanmedian(np.linalg.norm(head - shoulders, axis=1))))


def find_dancer(frame: Image, centre: NDArray[np.float64], neck: float, backend: FaceBackend, min_score: float) -> Face | None:
    """The dancer's face in a frame, searched only around the head; None when it is turned away or too small."""
    side = max(2 * _SMALLEST_FACE, round(_CROP * neck))
    corner = np.round(centre - side / 2).astype(np.float32)
    crop = square_crop(frame, corner + side / 2, side, side, fill=0)
    found = [
        replace(face, box=face.box + np.tile(corner, 2), landmarks=face.landmarks + corner)
        for face in backend.detect(crop, max(_SMALLEST_FACE, round(_LEAST_FACE * neck)))
    ]
    near = [f for f in found if f.score >= min_score and np.linalg.norm(f.centre - centre) <= _NEAR * neck]
    return max(near, key=lambda face: face.score, default=None)


def follow(seen: dict[int, Face], heads: NDArray[np.float64], reach: int) -> dict[int, NDArray[np.float64]]:
    """Face boxes (4,) of all frames that lie within `reach` frames of one in which the face was seen.

    A box is carried by the head's landmarks (F, 2); its place and size relative to them are interpolated linearly between
    the frames in which it was seen.
    """
    if not seen:
        return {}
    at = np.array(sorted(seen))
    relative = np.stack([seen[f].box - np.tile(heads[f], 2) for f in at])  # (K, 4)
    known = {}
    for frame, centre in enumerate(heads):
        if np.abs(at - frame).min() <= reach and np.isfinite(centre).all():
            known[frame] = np.tile(centre, 2) + [np.interp(frame, at, column) for column in relative.T]
    return known


def _keep(people: Sequence[Dancer], folder: Path, clip: str, key: str) -> dict[str, Any]:
    picture = folder / f"{clip}.png"
    picture.unlink(missing_ok=True)
    # It goes with the clip as one person's head, so a group has none.
    head = people[0].picture if len(people) == 1 else None
    if head is not None:
        with atomic(picture) as temporary:
            Pillow.fromarray(head).save(temporary)
    facts = {
        "dancers": [
            {
                "looked": dancer.looked,
                "seen": dancer.seen,
                "boxes": [[frame, *np.round(box, 2).tolist()] for frame, box in dancer.boxes.items()],
                "embedding": None if dancer.embedding is None else dancer.embedding.raw.tolist(),
            }
            for dancer in people
        ]
    }
    record(folder, clip, key, [] if head is None else [picture], facts)
    return facts


def _write_boxes(tracks: list[pd.DataFrame], path: Path) -> None:
    columns = {
        "clip": str,
        "dancer": np.int32,
        "frame": np.int32,
        "x0": np.float32,
        "y0": np.float32,
        "x1": np.float32,
        "y1": np.float32,
    }
    table = pd.concat(tracks) if tracks else pd.DataFrame(columns=list(columns))
    with atomic(path) as temporary:
        table[list(columns)].astype(columns).to_parquet(temporary, index=False)
