"""Several dancers in a render: each is scored by their own face and pose, and swaps are told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import score as scores
from facedance.evaluate import sight
from facedance.evaluate.group import GroupFigures, group_figures
from facedance.evaluate.score import ScoreFiles, score_shard
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.files import write_json
from facedance.poses.skeleton import COCO
from facedance.video.writing import write_video
from tests.evaluate import drawn_dancers
from tests.evaluate.drawn_dancers import BLUE, GREEN, HEIGHT, PERSONS, RED, WIDTH, SeesColours, dancer, picture

FRAMES, FPS = 9, 4
LEFT, RIGHT = np.full(FRAMES, 80.0), np.full(FRAMES, 260.0)
ACROSS = np.linspace(60, 280, FRAMES)
ANN, BEN = PERSONS["ann"], PERSONS["ben"]


@pytest.fixture(autouse=True)
def finder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "open_landmarker", drawn_dancers.open_landmarker)
    monkeypatch.setattr(scores, "open_landmark_judge", lambda: None)


def joints_of(*places: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([[dancer(x) for x in place] for place in places])


def drawn(*heads: tuple[NDArray[np.float64], tuple[int, int, int]]) -> NDArray[np.uint8]:
    """Frames with heads of these colours at places (T,), NaN where there is none."""
    return np.stack([picture([(place[t], colour) for place, colour in heads if place[t] > 0]) for t in range(FRAMES)])


def scored(
    frames: NDArray[np.uint8], joints: NDArray[np.float32], persons: Sequence[Embedding | None] = (ANN, BEN)
) -> GroupFigures:
    return group_figures(frames, joints, persons, SeesColours(), Path("pose.task"), Evaluate(every=1), FPS)


def test_each_dancer_is_scored_by_their_own() -> None:
    both = scored(drawn((LEFT, RED), (RIGHT, GREEN)), joints_of(LEFT, RIGHT))
    assert both.swaps == 0
    for one in both.dancers:
        assert one["frames"] == FRAMES
        assert one["face_detected_rate"] == one["recognised_rate"] == one["pose_detected_rate"] == one["pose_pck"] == 1
        assert one["identity_distance"] == pytest.approx(0, abs=1e-6)
        assert one["nearest_other_distance"] == pytest.approx(2**0.5)
        assert one["swaps"] == 0


def test_exchanged_faces_are_swaps() -> None:
    both = scored(drawn((LEFT, GREEN), (RIGHT, RED)), joints_of(LEFT, RIGHT))
    assert both.swaps == 1
    for one in both.dancers:
        assert (one["face_detected_rate"], one["recognised_rate"], one["swaps"], one["pose_pck"]) == (1, 0, 1, 1)


def test_crossing_dancers_keep_their_faces_or_swap_them() -> None:
    joints = joints_of(ACROSS, ACROSS[::-1])
    kept = scored(drawn((ACROSS, RED), (ACROSS[::-1], GREEN)), joints)
    assert kept.swaps == 0
    assert [one["recognised_rate"] for one in kept.dancers] == [1, 1]  # where their heads are at one place does not count
    turned = np.where(np.arange(FRAMES) < 5, ACROSS, ACROSS[::-1])
    swapped = scored(drawn((turned, RED), (WIDTH - 12 - turned, GREEN)), joints)
    assert swapped.swaps == 0.5
    assert [one["swaps"] for one in swapped.dancers] == [0.5, 0.5]
    assert [one["face_detected_rate"] for one in swapped.dancers] == [1, 1]
    assert [one["pose_pck"] for one in kept.dancers] == [1, 1]  # who is hidden at the crossing is where the other is


def test_a_hidden_head_lowers_only_its_own_dancers_scores() -> None:
    hidden = np.where(np.arange(FRAMES) < 3, RIGHT, np.nan)
    first, second = scored(drawn((LEFT, RED), (hidden, GREEN)), joints_of(LEFT, RIGHT)).dancers
    assert (first["face_detected_rate"], first["recognised_rate"], first["pose_pck"]) == (1, 1, 1)
    third = pytest.approx(1 / 3)
    assert (second["face_detected_rate"], second["recognised_rate"], second["pose_pck"]) == (third, third, third)
    assert second["identity_distance"] == pytest.approx(0, abs=1e-6)


def test_a_dancer_who_leaves_is_looked_for_where_they_are_there() -> None:
    joints = joints_of(LEFT, RIGHT)
    joints[1, 3:] = np.nan
    both = scored(drawn((LEFT, RED), (np.where(np.arange(FRAMES) < 3, RIGHT, np.nan), GREEN)), joints)
    for one in both.dancers:
        assert one["face_detected_rate"] == one["recognised_rate"] == one["pose_detected_rate"] == one["pose_pck"] == 1
    gone = joints_of(LEFT, RIGHT)
    gone[1] = np.nan
    first, nobody = scored(drawn((LEFT, RED)), gone).dancers
    assert first["recognised_rate"] == 1
    assert {nobody[name] for name in nobody if name not in {"frames", "flicker"}} == {None}


def test_a_face_that_is_nobodys_changes_nothing() -> None:
    joints = joints_of(LEFT, RIGHT)
    alone = scored(drawn((LEFT, RED), (RIGHT, GREEN)), joints)
    with_another = scored(drawn((LEFT, RED), (np.full(FRAMES, 170.0), GREEN), (RIGHT, GREEN)), joints)
    assert with_another == alone


def test_nobody_in_particular_is_judged_for_the_pose_alone() -> None:
    first, model = scored(drawn((LEFT, RED), (RIGHT, BLUE)), joints_of(LEFT, RIGHT), (ANN, None)).dancers
    assert first["recognised_rate"] == 1
    assert (first["swaps"], first["nearest_other_distance"]) == (None, None)
    assert (model["face_detected_rate"], model["pose_pck"]) == (1, 1)
    assert [model[name] for name in ("identity_distance", "nearest_other_distance", "recognised_rate", "swaps")] == [None] * 4


def test_frames_and_driving_poses_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match="9 frames but its driving pose 8"):
        scored(drawn((LEFT, RED), (RIGHT, GREEN)), joints_of(LEFT, RIGHT)[:, :8])


# ---- As the pipeline scores it --------------------------------------------------------------------------------------------

WAN = WanModel(
    repo=None, revision=None, sizes=[(WIDTH, HEIGHT)], frames=FRAMES, fps=FPS, clip_scale=1, drawing_side=256, dtype="float32",
)  # fmt: skip
BLENDS = {"half": Blend(weights={"ann": 0.5, "ben": 0.5})}


def write_landmarks(path: Path, joints: NDArray[np.float32]) -> None:
    """Joints (P, T, 17, 2) as those of the clip duet_000."""
    table = [
        ("duet_000", number, t, name, *joint, 1.0)
        for number, dancers in enumerate(joints.tolist(), 1)
        for t, frame in enumerate(dancers)
        for name, joint in zip(COCO, frame, strict=True)
    ]
    pd.DataFrame(table, columns=["clip", "dancer", "frame", "joint", "x", "y", "visibility"]).to_parquet(path)


@pytest.fixture
def shard(tmp_path: Path) -> ScoreFiles:
    """A duet of which there are two casts, and one person as everybody."""
    frames = drawn((LEFT, RED), (RIGHT, GREEN), (np.full(FRAMES, 330.0), BLUE))
    names = ("1~ann_2~ben_3~nobody", "1~ben_2~half", "ann")
    for name in names:
        write_video(tmp_path / "renders" / name / "duet_000" / "default.mp4", frames, FPS)
    table = {"identity": names, "clip": "duet_000", "variant": "default", "video": "."}
    pd.DataFrame(table).to_csv(tmp_path / "manifest.csv", index=False)
    write_landmarks(tmp_path / "landmarks.parquet", joints_of(LEFT, RIGHT, np.full(FRAMES, 330.0)))
    for name, embedding in PERSONS.items():
        save_embeddings(tmp_path / f"{name}.safetensors", {"embedding": embedding}, {})
    save_embeddings(tmp_path / "dancers.safetensors", {}, {})
    (tmp_path / "pose.task").write_bytes(b"a model")
    write_json(tmp_path / "stamp.json", {"params": {}, "code": "1", "items": []})
    return ScoreFiles(
        renders=tmp_path / "manifest.csv",
        named=[],
        renders_folder=tmp_path / "renders",
        landmarks=[tmp_path / "landmarks.parquet"],
        identities={name: tmp_path / f"{name}.safetensors" for name in PERSONS},
        references={},
        dancers=tmp_path / "dancers.safetensors",
        pose_model=tmp_path / "pose.task",
        observations=tmp_path / "observations",
        scores=tmp_path / "scores.csv",
        seconds=tmp_path / "seconds.csv",
    )


def score(files: ScoreFiles) -> pd.DataFrame:
    score_shard(files, SeesColours(), BLENDS, Evaluate(every=2), WAN, files.scores.with_name("stamp.json"))
    return pd.read_csv(files.scores).set_index(["identity", "dancer"])


def test_each_dancer_of_a_cast_has_a_row(shard: ScoreFiles) -> None:
    table = score(shard)
    casts = {name: rows.droplevel(0) for name, rows in table.groupby(level=0)}
    kept = casts["1~ann_2~ben_3~nobody"]
    assert kept.index.tolist() == [1, 2], "who is not shown is not looked for"
    assert (kept[["face_detected_rate", "recognised_rate", "pose_detected_rate"]] == 1).all(axis=None)
    assert (kept["pose_pck"] > 0.99).all()
    assert (kept["swaps"] == 0).all()
    other = casts["1~ben_2~half"]
    assert other.index.tolist() == [1, 2, 3]
    assert other.loc[1, "swaps"] == 1, "ann is nearer to the blend of both than to ben"
    assert other.loc[2, "swaps"] == 1
    assert other.loc[3, ["recognised_rate", "identity_distance", "swaps"]].isna().all()
    assert other.loc[3, "pose_pck"] > 0.99
    everybody = casts["ann"]
    assert everybody["recognised_rate"].tolist() == [1, 0, 0]
    assert everybody["swaps"].isna().all()
    seconds = pd.read_csv(shard.seconds)
    assert seconds[seconds["identity"] == "ann"][["dancer", "second"]].to_numpy().tolist() == [
        [number, second] for number in (1, 2, 3) for second in (0, 1)
    ]


def test_dancers_are_looked_at_again_only_where_they_should_be_elsewhere(shard: ScoreFiles) -> None:
    first = score(shard)
    times = {path: path.stat().st_mtime_ns for path in sorted(shard.observations.rglob("*.safetensors"))}
    assert len(times) == 3
    score(shard)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    write_landmarks(shard.landmarks[0], joints_of(RIGHT, LEFT, np.full(FRAMES, 330.0)))
    again = score(shard)
    assert all(path.stat().st_mtime_ns > time for path, time in times.items())
    assert first.loc[("1~ann_2~ben_3~nobody", 1), "swaps"] == 0
    assert again.loc[("1~ann_2~ben_3~nobody", 1), "swaps"] == 1


def test_a_duet_by_name_that_does_not_fit_its_clip_any_more_is_left_out(shard: ScoreFiles) -> None:
    video = shard.renders_folder / "ann/duet_000/seed~1.mp4"
    write_video(video, drawn((LEFT, RED), (RIGHT, GREEN))[:5], FPS)
    assert len(score(replace(shard, named=[("ann", "duet_000", "seed~1")]))) == 8
