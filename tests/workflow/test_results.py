"""What a finished run holds: the file contracts that people and tools rely on."""

import csv
import json
import math
import re
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from facedance.faces.embedding import distance, load_embeddings
from facedance.sample.catalogue import UPRIGHT
from facedance.video.opening import read_metadata
from facedance.video.times import inspect
from facedance.wan.adapter import read_adapter


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("identity", ["eileen", "nora"])
def test_bad_photos_are_rejected_with_their_reasons(finished, identity):
    photos = rows(finished[f"results/faces/{identity}/photos.csv"])
    rejected = [p for p in photos if p["status"] == "rejected"]
    assert {p["status"] for p in photos} == {"accepted", "rejected"}
    assert len(rejected) == 3, rejected
    reasons = " | ".join(p["reason"] for p in rejected)
    assert "no face" in reasons
    assert "somebody else" in reasons
    assert "damaged image" in reasons
    assert all(not p["reason"] for p in photos if p["status"] == "accepted")


def test_an_embedding_is_a_unit_vector_of_its_own_person(finished):
    people = {i: load_embeddings(finished[f"results/faces/{i}/embedding.safetensors"])["embedding"] for i in ("eileen", "nora")}
    for identity, embedding in people.items():
        assert embedding.vector.dtype == np.float32
        assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-5)
        photos = load_embeddings(finished[f"results/faces/{identity}/photos.safetensors"])
        assert max(distance(embedding, photo) for photo in photos.values()) < 0.45
    assert distance(people["eileen"], people["nora"]) > 0.6


def test_clips_have_the_models_length_and_their_columns(finished):
    table = rows(finished["results/clips/clips.csv"])
    columns = "clip source start_s frames fps width height dancers genre situation camera dancer music choreography status reason"
    assert list(table[0])[:16] == columns.split()
    for row in table:
        info = inspect(finished[f"results/clips/{row['clip']}.mp4"])
        assert len(info.timestamps) == int(row["frames"]) == 9
        assert (info.width, info.height) == (int(row["width"]), int(row["height"]))
        assert info.has_audio
        assert np.allclose(np.diff(info.timestamps), 1 / 16, atol=1e-4)
    assert {row["genre"] for row in table} >= {"gBR"}
    sizes = {row["clip"].rpartition("_")[0]: (int(row["width"]), int(row["height"])) for row in table}
    assert {sizes[video] for video in UPRIGHT} == {(192, 288)}
    assert sizes["gBR_sBM_c01_d04_mBR2_ch01"] == (256, 256)
    whole = [("crop_x", "crop_w", "source_width"), ("crop_y", "crop_h", "source_height")]
    for start, length, available in whole:  # nothing is black
        assert all(0 <= int(row[start]) <= int(row[available]) - int(row[length]) for row in table)


def test_every_frame_has_landmarks_and_a_control_picture(finished):
    landmarks = pd.concat(pd.read_parquet(p) for p in finished["results/poses/landmarks"].glob("*.parquet"))
    assert {"clip", "frame", "joint", "x", "y", "z", "visibility"} <= set(landmarks.columns)
    for clip, part in landmarks.groupby("clip"):
        assert set(part["frame"]) == set(range(9))
        assert len(inspect(finished[f"results/poses/{clip}.mp4"]).timestamps) == 9


def test_the_adapter_has_learned_something(finished):
    for identity in ("eileen", "nora"):
        folder = finished[f"results/train/{identity}"]
        adapter = read_adapter(folder / "adapter.safetensors")
        assert any(bool(t.abs().max() > 0) for name, t in adapter.lora.items() if "lora_B" in name)
        metrics = rows(folder / "metrics.csv")
        assert [int(m["step"]) for m in metrics] == [1, 2, 3, 4]
        assert all(math.isfinite(float(m["loss"])) and float(m["loss"]) > 0 for m in metrics)
        assert {"step", "loss", "lr", "seconds"} <= set(metrics[0])
        assert json.loads((folder / "meta.json").read_text())["identity"] == identity


def test_renders_play_in_browsers_with_music_and_say_what_made_them(finished):
    renders = sorted(finished["results/render"].glob("*/*/*.mp4"))
    assert len(renders) == 4
    for render in renders:
        info = inspect(render)
        assert len(info.timestamps) == 9
        assert info.has_audio
        said = json.loads(render.with_suffix(".json").read_text())
        assert said["ai_generated"] is True
        assert {person["consent"] for person in said["people"].values()} == {"public-domain"}
        tags = read_metadata(render)
        assert "AI-generated" in " ".join(tags.values())
    assert len({render.read_bytes() for render in renders}) == 4


def test_scores_are_complete(finished):
    table = rows(finished["results/evaluate/metrics.csv"])
    needed = (
        "identity clip variant face_detected_rate identity_distance nearest_other_distance recognised_rate pose_error_px pose_pck"
    )
    assert set(needed.split()) <= set(table[0])
    assert {(r["identity"], r["variant"]) for r in table} == {(i, "default") for i in ("eileen", "nora", "half", "morph")}
    json.loads(finished["results/evaluate/metrics.json"].read_text())


def test_pose_extraction_agrees_with_the_known_joints(finished):
    table = pd.read_csv(finished["results/evaluate/pose_accuracy.csv"])
    assert set(table["origin"]) == {"mediapipe", "keypoints2d"}
    for _, part in table.groupby("origin"):
        assert np.average(part["pck"], weights=part["frames"]) >= 0.95


def test_nothing_is_left_half_written(finished):
    assert not [p for p in finished.folder.rglob("*.part*") if ".snakemake" not in p.parts]


def test_the_page_stands_alone(finished):
    page = finished["results/report/index.html"].read_text(encoding="utf-8")
    outside_the_data = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert "http://" not in outside_the_data.replace("http://www.w3.org", "")
    assert "https://" not in outside_the_data
    for name in ("eileen", "nora", "half", "morph"):
        assert name in page


def test_no_result_is_a_pickle(finished):
    for path in finished["results"].rglob("*"):
        if path.is_file():
            assert path.suffix not in {".pkl", ".pt", ".pth", ".bin", ".npy"}
    for path in finished["results"].rglob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            assert list(file.keys())


def test_the_page_to_look_at_before_training_shows_photos_and_skeletons(finished):
    page = finished["results/check/index.html"].read_text()
    tracked = (row for path in finished["results/poses/shards"].glob("*.csv") for row in rows(path))
    for clip in (row["clip"] for row in tracked if row["status"] == "accepted"):
        assert f"media/clips/{clip}.jpg" in page
        assert finished[f"results/check/media/clips/{clip}.jpg"].is_file()
    assert "damaged image" in page


@pytest.mark.thorough
def test_a_render_scored_as_anybody_s_video_gets_the_numbers_of_the_table(finished, tmp_path):
    command = (
        sys.executable,
        "-m",
        "facedance",
        "score",
        "results/render/nora",
        "--person",
        "nora",
        "--out",
        str(tmp_path / "out"),
    )
    finished.run(*command)
    own = {
        (row["clip"], row["variant"]): row for row in rows(finished["results/evaluate/metrics.csv"]) if row["identity"] == "nora"
    }
    scored = rows(tmp_path / "out/scores.csv")
    assert len(scored) == len(own) > 0
    for row in scored:
        clip, video = row["video"].split("/")
        of_render = own[clip, video.removesuffix(".mp4")]
        for column in (column for column in of_render if column in row and of_render[column]):
            assert float(row[column]) == float(of_render[column]), (row["video"], column)
        assert 0 < float(row["shape_distance"]) < 0.3
