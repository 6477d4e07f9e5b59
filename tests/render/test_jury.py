"""What the judges say of a render, of one person and of a cast."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from facedance.config.rendering import Blend
from facedance.evaluate import sight
from facedance.faces.embedding import save_embeddings
from facedance.poses.skeleton import COCO
from facedance.render import jury
from facedance.render.inputs import Cast, JudgeFiles, Person, RenderInputs, RenderJob
from facedance.render.jury import Jury
from facedance.video.writing import write_video
from tests.evaluate import drawn_dancers
from tests.evaluate.drawn_dancers import GREEN, PERSONS, RED, SeesColours
from tests.evaluate.test_each import Places, driving
from tests.evaluate.test_group import LEFT, RIGHT, drawn
from tests.render.test_clips import PLAIN, RESIDENT, SETTINGS, WAN

Judged = Callable[..., dict[str, float | None]]


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judged:
    """What is said of frames with a head for each of the poses, rendered under a name."""
    monkeypatch.setattr(sight, "open_landmarker", drawn_dancers.open_landmarker)
    monkeypatch.setattr(jury, "open_backend", lambda name, folder: SeesColours())
    monkeypatch.setattr(jury, "open_landmark_judge", Places)
    for name, colour in (("ann", RED), ("ben", GREEN)):
        save_embeddings(tmp_path / f"{name}.safetensors", {"embedding": PERSONS[name]}, {})
        picture = np.zeros((208, 352, 3), np.uint8)
        picture[90:110, 70:90] = colour
        Image.fromarray(picture).save(tmp_path / f"{name}.png")

    def said(name: str, frames: NDArray[np.uint8], poses: NDArray[np.float32], **more: object) -> dict[str, float | None]:
        write_video(tmp_path / "render.mp4", frames, 4, crf=10)
        rows = [
            {"clip": "a_000", "dancer": p + 1, "frame": t, "joint": COCO[j], "x": x, "y": y, "visibility": 1.0}
            for (p, t, j), (x, y) in ((place, poses[place][:2]) for place in np.ndindex(poses.shape[:3]))
        ]
        pd.DataFrame(rows).to_parquet(tmp_path / "landmarks.parquet")
        nothing = Path("nothing")
        inputs = RenderInputs(
            model=nothing, wan=WAN, memory=RESIDENT, speed=PLAIN, prompts=nothing, texts={}, blend=None, loras={},
            people={who: Person(nothing, tmp_path / f"{who}.safetensors", nothing, "yes") for who in ("ann", "ben")},
            latents_folder=nothing, controls_folder=nothing, clips_folder=nothing, landmarks=tmp_path / "landmarks.parquet",
        )  # fmt: skip
        files = JudgeFiles(
            "dlib", nothing, nothing, {who: tmp_path / f"{who}.png" for who in ("ann", "ben")}, {"insightface": nothing}
        )
        job = RenderJob(name, "a_000", "default", SETTINGS)
        return Jury(replace(inputs, **more), files).look(job, tmp_path / "render.mp4")  # type: ignore[arg-type]

    return said


def test_one_person(judged: Judged) -> None:
    said = judged("ann", drawn((LEFT, RED)), driving(LEFT))
    assert (said["face_detected_rate"], said["pose_pck"]) == (1, 1)
    assert said["identity_distance"] == pytest.approx(0, abs=0.1)
    assert said["insightface_distance"] == said["identity_distance"], "here the further recogniser is of the same kind"
    assert said["landmark_distance"] == pytest.approx(0, abs=2)  # the face in the picture is in this place
    other = judged("ben", drawn((LEFT, RED)), driving(LEFT))
    assert other["identity_distance"] == pytest.approx(2**0.5, abs=0.1)


def test_of_a_cast_the_mean_over_those_who_are_somebody(judged: Judged) -> None:
    frames, poses = drawn((LEFT, RED), (RIGHT, RED)), driving(LEFT, RIGHT)
    both = judged("1~ann_2~ben", frames, poses, cast=Cast({1: "ann", 2: "ben"}, {}))
    assert both["identity_distance"] == pytest.approx(2**0.5 / 2, abs=0.1)
    assert both["insightface_distance"] == pytest.approx(2**0.5 / 2, abs=0.1)
    first = judged("1~ann_2~model", frames, poses, cast=Cast({1: "ann", 2: "model"}, {}))
    assert first["identity_distance"] == pytest.approx(0, abs=0.1)
    everybody = judged("ann", frames, poses)
    assert everybody["identity_distance"] == pytest.approx(0, abs=0.1)


def test_a_blend_has_no_picture_to_compare_with(judged: Judged) -> None:
    said = judged("half", drawn((LEFT, RED)), driving(LEFT), blend=Blend(weights={"ann": 1.0, "ben": 1.0}))
    assert said["identity_distance"] is not None
    assert (said["landmark_distance"], said["insightface_distance"]) == (None, None)
