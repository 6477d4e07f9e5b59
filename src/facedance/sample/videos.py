"""Dance videos of the sample: rendered dancers, in time with synthesised music, and the joints as they were drawn."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facedance.aist.names import AistName, parse
from facedance.config.sections import Sample
from facedance.files import atomic
from facedance.poses.skeleton import COCO
from facedance.sample.catalogue import UPRIGHT
from facedance.sample.dancer import Camera, dancer, empty_room
from facedance.sample.group import Performer, Stage, draw_group, perform_group
from facedance.sample.head import Head
from facedance.sample.motion import VOCABULARY, Skeleton, choreograph, perform
from facedance.sample.music import synthesise, write_wav
from facedance.sample.portrait import Image, Points
from facedance.sample.traits import generator
from facedance.video.writing import write_video

_EAR_HIDDEN_DEGREES = 20.0
_UPRIGHT_ZOOM = 0.9  # the dancer fills the picture, as they do in phone videos; arms reach over its edges now and then


def tempo(music: str) -> float:
    """Beats a minute of a piece by its AIST name: pieces go up from 80 by tens, those of house from 110 by fives."""
    piece = int(music[3:])
    return 110.0 + 5 * piece if music[1:3] == "HO" else 80.0 + 10 * piece


def make_video(name: str, sample: Sample, video: Path, ground_truth: Path) -> None:
    """Render the dance of this AIST name (genre_situation_camera_dancer_music_choreography; of a group, several dancers).

    `video`: H.264 with music, `sample.width` x `sample.height`, or upright, at `sample.fps`. `ground_truth`: a parquet table with
    a row for each dancer, frame and joint: video, dancer (from 1, left to right in the first frame), frame, joint (COCO's 17),
    x, y (pixels), visible.
    """
    parts = parse(name)
    camera = Camera(sample.width, sample.height)
    if name in UPRIGHT:
        camera = Camera(sample.height, sample.width, _UPRIGHT_ZOOM)
    stage = Stage(camera.width, camera.height, round(sample.seconds * sample.fps), sample.fps)
    performers = _performers(name, parts, sample, camera, stage)
    room = empty_room(performers[0].who, camera)
    tracks: list[list[Points]] = []

    def pictures() -> Iterator[Image]:
        for frame in range(stage.frames):
            picture, joints = draw_group(performers, frame, room)
            tracks.append(joints)
            yield picture
            if (frame + 1) % 100 == 0:
                logging.getLogger("facedance").info("%s: frame %d of %d", name, frame + 1, stage.frames)

    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "music.wav"
        write_wav(wav, synthesise(sample.seconds, tempo(parts.music), generator(parts.music, sample.seed)))
        write_video(video, pictures(), sample.fps, audio_from=wav)

    joints = np.stack([np.stack(track) for track in zip(*tracks, strict=True)])  # (P, T, 17, 2)
    from_left = sorted(range(len(performers)), key=lambda i: performers[i].cameras[0].aside)
    table = pd.concat(_rows(joints[i], performers[i].skeleton, stage).assign(dancer=n) for n, i in enumerate(from_left, 1))
    with atomic(ground_truth) as temporary:
        table.assign(video=name)[["video", "dancer", "frame", "joint", "x", "y", "visible"]].to_parquet(temporary, index=False)


def _performers(name: str, parts: AistName, sample: Sample, camera: Camera, stage: Stage) -> list[Performer]:
    """Who dances in a video, the farthest first."""
    beats = np.arange(stage.frames) / stage.fps * tempo(parts.music) / 60
    people, rng = [dancer(who, sample.seed) for who in parts.dancer.split("_")], generator(name, sample.seed)
    if len(people) > 1:
        return perform_group(people, VOCABULARY[parts.genre], stage, tempo(parts.music), rng)
    (who,) = people
    skeleton = perform(choreograph(parts.genre, int(beats[-1]) // 4 + 2, rng), beats, who.body)
    return [Performer(who, Head(who.face, who.body.head * camera.scale), skeleton, [camera] * stage.frames)]


def _rows(joints: NDArray[np.float32], skeleton: Skeleton, stage: Stage) -> pd.DataFrame:
    """The rows of one dancer's joints (T, 17, 2); whether another dancer hides them is not told."""
    visible = np.all((joints >= 0) & (joints < [stage.width, stage.height]), axis=-1)  # (T, 17)
    visible[:, COCO.index("left_ear")] &= skeleton.head_turn < _EAR_HIDDEN_DEGREES
    visible[:, COCO.index("right_ear")] &= skeleton.head_turn > -_EAR_HIDDEN_DEGREES
    return pd.DataFrame(
        {
            "frame": np.repeat(np.arange(stage.frames), len(COCO)),
            "joint": np.tile(COCO, stage.frames),
            "x": joints[..., 0].ravel(),
            "y": joints[..., 1].ravel(),
            "visible": visible.ravel(),
        }
    )
