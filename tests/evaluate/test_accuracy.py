"""Extracted poses against ground truth: the right frames, the right pixels, the right clips."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facedance.evaluate.accuracy import COLUMNS, pose_accuracy
from facedance.poses.skeleton import COCO
from facedance.video.writing import write_video

SOURCE_FPS, FPS, FRAMES, START = 60, 16, 17, 0.5
CROP, SIZE = (40, 10, 90, 90), 180  # a square of 90 px at (40, 10), enlarged twice
VIDEO = "gBR_sBM_c01_d04_mBR0_ch01"
CLIP = f"{VIDEO}_000"


def truth_at(frames: np.ndarray) -> np.ndarray:
    """Joints (T, 17, 2) in source pixels: a figure with a torso of 20 px that drifts by 0.5 px a source frame."""
    base = np.stack([np.linspace(60, 90, 17), np.linspace(20, 95, 17)], axis=1)
    for side, x in (("left", 80), ("right", 70)):
        base[COCO.index(f"{side}_shoulder")] = (x, 40)
        base[COCO.index(f"{side}_hip")] = (x, 60)
    joints: np.ndarray = base + np.stack([0.5 * frames, 0 * frames], axis=1)[:, None]
    return joints


def rows_of(joints: np.ndarray, **columns: Any) -> pd.DataFrame:
    t, j = np.indices(joints.shape[:2])
    return pd.DataFrame({"dancer": 1, "frame": t.ravel(), "joint": np.array(COCO)[j.ravel()],
                         "x": joints[..., 0].ravel(), "y": joints[..., 1].ravel(), **columns})  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Any]:
    """Arguments of pose_accuracy for one clip whose landmarks are exact."""
    source = tmp_path / f"{VIDEO}.mp4"
    write_video(source, np.zeros((120, 100, 160, 3), np.uint8), SOURCE_FPS)
    rows_of(truth_at(np.arange(120)), video=VIDEO, visible=True).to_parquet(tmp_path / "truth.parquet")
    shown = np.round((START + np.arange(FRAMES) / FPS) * SOURCE_FPS)
    exact = (truth_at(shown) - CROP[:2]) * (SIZE / CROP[2])
    rows_of(exact, clip=CLIP, visibility=0.9).to_parquet(tmp_path / "landmarks.parquet")
    clip = {
        "clip": CLIP, "source": str(source), "start_s": START, "frames": FRAMES, "fps": FPS, "width": SIZE, "height": SIZE,
        "status": "accepted", "crop_x": CROP[0], "crop_y": CROP[1], "crop_w": CROP[2], "crop_h": CROP[3],
    }  # fmt: skip
    own = {"clip": "own_000", "source": "own.mp4", "status": "accepted"}
    rejected = {"clip": VIDEO, "source": str(source), "status": "rejected"}
    pd.DataFrame([clip, own, rejected]).to_csv(tmp_path / "clips.csv", index=False)
    poses = [{"clip": c, "status": "accepted", "reason": "", "origin": "mediapipe", "tracked_rate": 1} for c in (CLIP, "own_000")]
    pd.DataFrame(poses).to_csv(tmp_path / "poses.csv", index=False)
    return {
        "ground_truth": [tmp_path / "truth.parquet"],
        "clips_csv": tmp_path / "clips.csv",
        "landmarks": [tmp_path / "landmarks.parquet"],
        "poses_manifests": [tmp_path / "poses.csv"],
        "out": tmp_path / "accuracy.csv",
    }


def test_exact_landmarks_have_no_error_but_for_the_choice_of_frame(world: dict[str, Any]) -> None:
    pose_accuracy(**world)
    table = pd.read_csv(world["out"])
    assert tuple(table.columns) == COLUMNS
    assert table["clip"].tolist() == [CLIP]  # neither the user's own video nor the rejected row
    row = table.iloc[0]
    assert (row["origin"], row["frames"], row["pck"]) == ("mediapipe", FRAMES, 1)
    assert row["torso_px"] == pytest.approx(40)
    # Frames at odd multiples of half a source frame may be rounded either way: 1 px in the clip for those few.
    assert row["error_px"] < 0.5


@pytest.mark.parametrize(("shift", "pck"), [(7.0, 1), (10.0, 0)])
def test_pck_threshold_is_a_fifth_of_the_torso(world: dict[str, Any], shift: float, pck: float) -> None:
    path = world["landmarks"][0]
    table = pd.read_parquet(path)
    table.assign(y=table["y"] + shift).to_parquet(path)
    pose_accuracy(**world)
    row = pd.read_csv(world["out"]).iloc[0]
    assert row["pck"] == pck
    assert row["error_px"] == pytest.approx(shift, abs=0.5)


def test_hidden_joints_do_not_count(world: dict[str, Any]) -> None:
    landmarks, truth = world["landmarks"][0], world["ground_truth"][0]
    table = pd.read_parquet(landmarks)
    table.loc[table["joint"] == "left_wrist", "x"] += 100
    table.to_parquet(landmarks)
    pose_accuracy(**world)
    assert pd.read_csv(world["out"])["pck"][0] == pytest.approx(16 / 17, abs=1e-4)
    joints = pd.read_parquet(truth)
    joints.assign(visible=joints["joint"] != "left_wrist").to_parquet(truth)
    pose_accuracy(**world)
    assert pd.read_csv(world["out"])["pck"][0] == 1


def test_missing_landmarks_are_wrong_ones(world: dict[str, Any]) -> None:
    path = world["landmarks"][0]
    table = pd.read_parquet(path)
    table[table["joint"] != "nose"].to_parquet(path)
    pose_accuracy(**world)
    assert pd.read_csv(world["out"])["pck"][0] == pytest.approx(16 / 17, abs=1e-4)


def test_without_ground_truth_the_table_is_empty(world: dict[str, Any]) -> None:
    pose_accuracy(**{**world, "ground_truth": []})
    assert world["out"].read_text() == ",".join(COLUMNS) + "\n"


def test_of_ready_made_control_videos_alone_the_table_is_empty_too(world: dict[str, Any]) -> None:
    pose_accuracy(**{**world, "ground_truth": [], "poses_manifests": [], "landmarks": []})
    assert world["out"].read_text() == ",".join(COLUMNS) + "\n"


def test_of_a_group_each_dancer_counts(world: dict[str, Any]) -> None:
    truth, landmarks = world["ground_truth"][0], world["landmarks"][0]
    joints, found = pd.read_parquet(truth), pd.read_parquet(landmarks)
    pd.concat([joints, joints.assign(dancer=2, x=joints["x"] + 30)]).to_parquet(truth)
    pose_accuracy(**world)
    assert pd.read_csv(world["out"])["pck"].tolist() == [0.5], "one who is not followed is wrong"
    pd.concat([found, found.assign(dancer=2, x=found["x"] + 60)]).to_parquet(landmarks)
    pose_accuracy(**world)
    assert pd.read_csv(world["out"])["pck"].tolist() == [1.0]
