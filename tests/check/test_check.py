"""The page to look at before training: it shows each verdict, what deserves a look, and no name can break out of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facedance.check import build
from facedance.check.build import CheckFiles, build_check, overlay
from facedance.check.findings import Photo, about_casts, about_clips, about_photos, about_plan
from facedance.check.numbers import clearest_frame, numbered
from facedance.config.face_branch import NOBODY_ELSE
from facedance.config.params import Params, load
from facedance.config.rendering import Batch
from facedance.poses.skeleton import COCO
from facedance.report.fates import Fate, read_fates
from facedance.video.frames import read_frames
from facedance.video.pictures import Frames
from facedance.video.writing import write_video

ROOT = Path(__file__).parents[2]
SENTENCES = ("no video can be used", "no dance can be followed")
NASTY = "<script>alert(1)</script>.jpg"


def photos(used: int, face_px: float) -> list[Photo]:
    return [Photo(f"{n}.jpg", "", face_px) for n in range(used)] + [Photo("other.jpg", "somebody else", None)]


@pytest.mark.parametrize(
    ("used", "face_px", "said"), [(12, 240.0, []), (4, 240.0, ["4 of 5 photos"]), (11, 60.0, ["lower than 60 pixels"])]
)
def test_few_photos_and_small_faces_are_told(used: int, face_px: float, said: list[str]) -> None:
    sentences = list(about_photos("ann", photos(used, face_px)))
    assert len(sentences) == len(said)
    assert all(words in sentence for words, sentence in zip(said, sentences, strict=True))


def test_clips_that_may_spoil_a_render_are_told() -> None:
    sure = Fate("sure", "", "", "", "", 1.0, 480, (832, 480))
    lost = Fate("lost", "", "", "", "", 0.8, 480, (832, 480))
    small = Fate("small", "", "", "", "", 1.0, 120, (832, 480))
    assert list(about_clips([sure])) == []
    assert [said.split(":")[0] for said in about_clips([sure, lost, small])] == ["lost", "small"]


def test_what_the_tiny_model_does_not_know_is_told() -> None:
    assert list(about_plan({"ann": 1}, ["ann"], "wan2.1-vace-1.3b", False)) == []
    assert list(about_plan({"ann": 1}, [], "wan2.1-vace-1.3b", True)) == [NOBODY_ELSE]
    assert "ann" in next(about_plan({"ann": 1}, ["ann"], "tiny", False))
    assert list(about_plan({"ben": 0}, [], "tiny", False)) == ["ben: nothing will be rendered."]


def test_clips_without_anybody_of_a_cast_are_told() -> None:
    assert list(about_casts({"1~ann_2~ben": [], "2~ben": ["solo_000"]})) == [
        "2~ben: solo_000 will be left out, as nobody there becomes somebody."
    ]


def test_the_skeleton_lies_over_the_picture() -> None:
    frame = np.full((1, 4, 4, 3), 100, np.uint8)
    skeleton = np.zeros_like(frame)
    skeleton[0, 1, 2] = (250, 0, 0)
    shown = overlay(frame, skeleton)
    assert tuple(shown[0, 1, 2]) == (220, 20, 20)
    shown[0, 1, 2] = 100
    assert (shown == frame).all()


@pytest.fixture
def made(tmp_path: Path) -> tuple[Params, CheckFiles]:
    """A clip that is used, one that the poses reject, a video that cannot be read, and a person with a nasty photo."""
    for folder in ("clips", "poses"):
        write_video(tmp_path / folder / "dance_000.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 9, 16.0)
    clips = [("dance_000", "accepted", "", 300), ("other_000", "accepted", "", 300), (NASTY, "rejected", "no pictures", "")]
    pd.DataFrame(clips, columns=["clip", "status", "reason", "crop_h"]).to_csv(tmp_path / "clips.csv", index=False)
    poses = [("dance_000", "accepted", "", "mediapipe", 0.9), ("other_000", "rejected", "nobody", "mediapipe", 0.0)]
    pd.DataFrame(poses, columns=["clip", "status", "reason", "origin", "tracked_rate"]).to_csv(
        tmp_path / "poses.csv", index=False
    )
    (tmp_path / "eileen").mkdir()
    pd.DataFrame(
        [(NASTY, "rejected", "a <b>", ""), ("a.jpg", "accepted", "", 210.4)], columns=["photo", "status", "reason", "face_px"]
    ).to_csv(tmp_path / "eileen" / "photos.csv", index=False)
    Image.new("RGB", (8, 8)).save(tmp_path / "eileen" / "crops.png")
    params = load(
        ROOT / "params.yaml",
        {"render": {"blends": {}, "batches": [{"who": ["eileen"], "videos": ["*"], "variants": ["default", "seed~7"]}]}},
    )
    files = CheckFiles(
        clips=tmp_path / "clips.csv",
        poses=[tmp_path / "poses.csv"],
        faces={"eileen": tmp_path / "eileen"},
        clips_folder=tmp_path / "clips",
        poses_folder=tmp_path / "poses",
        landmarks=[],
        folder=tmp_path / "check",
    )
    return params, files


def test_the_page_says_who_is_who_in_a_cast(made: tuple[Params, CheckFiles]) -> None:
    params, files = made
    batches = (Batch(cast={1: "eileen", 2: "nobody"}, videos=("*",)),)
    params = params.model_copy(update={"render": params.render.model_copy(update={"batches": batches})})
    build_check(params, files)
    assert "dancer 1: eileen, dancer 2: not shown" in (files.folder / "index.html").read_text()


def test_each_clip_has_the_reason_of_the_stage_that_left_it_out(made: tuple[Params, CheckFiles]) -> None:
    _, files = made
    found = {fate.name: fate.reason for fate in read_fates(files.clips, files.poses)}
    assert found == {"dance_000": "", "other_000": "nobody", NASTY: "no pictures"}


def test_the_page_shows_verdicts_pictures_and_the_plan(made: tuple[Params, CheckFiles]) -> None:
    params, files = made
    build_check(params, files)
    page = (files.folder / "index.html").read_text()
    with Image.open(files.folder / "media/clips/dance_000.jpg") as picture:
        assert picture.size == (5 * 64, 64)
    assert "media/clips/dance_000.jpg" in page
    assert "eileen: 1 of 2 photos are used" in page
    assert "eileen: 1 of 2 photos can be used and 3 are needed (1 a &lt;b&gt;): add sharp photos of this person" in page
    assert page.count("A run would stop here") == 1
    assert "dance_000: the dancer was followed in 90% of the frames" in page
    assert "Clips used</dt><dd>1 of 3" in page
    assert "Renders to make</dt><dd>2" in page
    assert "default, seed~7" in page
    assert page.count("a person in a teal top and navy trousers dancing before a grey wall") == 1, "both variants say the same"
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def test_the_page_says_why_a_run_would_stop_without_a_dance(made: tuple[Params, CheckFiles]) -> None:
    params, files = made

    def refused(controls: bool = False) -> tuple[bool, ...]:
        build_check(params, files, controls=controls)
        page = (files.folder / "index.html").read_text()
        return tuple(f"{sentence}, so nothing could be rendered" in page for sentence in SENTENCES)

    assert refused() == (False, False)
    pd.read_csv(files.poses[0]).assign(status="rejected", reason="nobody").to_csv(files.poses[0], index=False)
    assert refused() == (False, True)
    pd.read_csv(files.clips, dtype=str).assign(status="rejected", reason="none", source="a").to_csv(files.clips, index=False)
    pd.read_csv(files.poses[0]).head(0).to_csv(files.poses[0], index=False)
    assert refused() == (True, False)
    assert refused(controls=True) == (False, False)


def test_only_the_moments_that_are_shown_are_read(made: tuple[Params, CheckFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    params, files = made
    wanted = []

    def read(path: Path, indices: Sequence[int]) -> Frames:
        wanted.append(list(indices))
        return read_frames(path, indices)

    monkeypatch.setattr(build, "read_frames", read)
    build_check(params, files)
    assert wanted == [[0, 2, 4, 6, 8]] * 2


def test_what_an_earlier_page_showed_and_this_one_does_not_is_removed(made: tuple[Params, CheckFiles]) -> None:
    params, files = made
    stale = files.folder / "media/clips/old_000.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    build_check(params, files)
    assert not stale.exists()


def test_the_dancers_of_a_group_have_their_numbers_at_their_heads() -> None:
    joints = np.full((2, 3, 17, 3), np.nan, np.float32)
    joints[0, :, :, :2] = 60, 120
    joints[1, 1:, :, :2] = 200, 100
    assert clearest_frame(joints) == 1
    frame = np.full((200, 300, 3), 90, np.uint8)
    for at, count in ((0, 1), (1, 2)):
        changed = (numbered(frame, joints[:, at]) != frame).any(axis=-1)
        columns = np.flatnonzero(changed.any(axis=0))
        assert len(np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)) == count
        assert not changed[120:].any(), "the face stays to be seen"
        assert changed[90:110, 60].any()


def test_the_page_says_who_is_who_in_a_group(made: tuple[Params, CheckFiles], tmp_path: Path) -> None:
    params, files = made
    rows = [("dance_000", n, t, name, 10.0 + 30 * n, 40.0, 1.0) for n in (1, 2) for t in range(9) for name in COCO]
    columns = ["clip", "dancer", "frame", "joint", "x", "y", "visibility"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "landmarks.parquet")
    table = pd.read_csv(files.poses[0]).assign(dancers=2, surety=0.8)
    table.to_csv(files.poses[0], index=False)
    build_check(params, replace(files, landmarks=[tmp_path / "landmarks.parquet"]))
    page = (files.folder / "index.html").read_text()
    assert "media/groups/dance_000.jpg" in page
    assert "dance_000: in 20% of the frames two dancers may have been taken for each other" in page
    assert "the 2 dancers were followed in 90%" in page
