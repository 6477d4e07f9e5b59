"""Dance videos of the sample: a rendered dancer, in time with synthesised music, and the joints as they were drawn."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from facedance.config.sections import Sample
from facedance.files import atomic
from facedance.poses.skeleton import COCO
from facedance.sample.catalogue import UPRIGHT
from facedance.sample.dancer import Camera, dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.motion import choreograph, perform
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
    """Render the dance of this AIST name (genre_situation_camera_dancer_music_choreography).

    `video`: H.264 with music, `sample.width` x `sample.height`, or upright, at `sample.fps`. `ground_truth`: a parquet table with
    a row for each frame and joint: video, frame, joint (COCO's 17), x, y (pixels), visible.
    """
    genre, _, _, who, music, _ = name.split("_")
    frames = round(sample.seconds * sample.fps)
    beats = np.arange(frames) / sample.fps * tempo(music) / 60
    subject, camera = dancer(who, sample.seed), Camera(sample.width, sample.height)
    if name in UPRIGHT:
        camera = Camera(sample.height, sample.width, _UPRIGHT_ZOOM)
    keys = choreograph(genre, int(beats[-1]) // 4 + 2, generator(name, sample.seed))
    skeleton = perform(keys, beats, subject.body)
    head, room = Head(subject.face, subject.body.head * camera.scale), empty_room(subject, camera)
    tracks: list[Points] = []

    def pictures() -> Iterator[Image]:
        for frame in range(frames):
            picture, joints = draw(subject, head, skeleton, frame, camera, room)
            tracks.append(joints)
            yield picture
            if (frame + 1) % 100 == 0:
                logging.getLogger("facedance").info("%s: frame %d of %d", name, frame + 1, frames)

    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "music.wav"
        write_wav(wav, synthesise(sample.seconds, tempo(music), generator(music, sample.seed)))
        write_video(video, pictures(), sample.fps, audio_from=wav)

    joints = np.stack(tracks)  # (T, 17, 2)
    visible = np.all((joints >= 0) & (joints < [camera.width, camera.height]), axis=-1)  # (T, 17)
    visible[:, COCO.index("left_ear")] &= skeleton.head_turn < _EAR_HIDDEN_DEGREES
    visible[:, COCO.index("right_ear")] &= skeleton.head_turn > -_EAR_HIDDEN_DEGREES
    table = pd.DataFrame(
        {
            "video": name,
            "frame": np.repeat(np.arange(frames), len(COCO)),
            "joint": np.tile(COCO, frames),
            "x": joints[..., 0].ravel(),
            "y": joints[..., 1].ravel(),
            "visible": visible.ravel(),
        }
    )
    with atomic(ground_truth) as temporary:
        table.to_parquet(temporary, index=False)
