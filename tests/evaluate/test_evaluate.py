"""Scores of renders against hand-computed values, with a made-up recogniser and landmarker."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from numpy.typing import NDArray

from facedance.config.rendering import Blend
from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import distances, pose, sight
from facedance.evaluate import score as scores
from facedance.evaluate.drift import DRIFTS
from facedance.evaluate.judge import Shape
from facedance.evaluate.score import COLUMNS, SECONDS_COLUMNS, ScoreFiles, score_shard
from facedance.evaluate.summary import summarise
from facedance.evaluate.temporal import embedding_consistency, warping_error
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.faces.face import Face, Image
from facedance.files import write_json
from facedance.poses.skeleton import COCO, MEDIAPIPE
from facedance.video.writing import write_video

FRAMES, SIDE = 9, 64
WAN = WanModel(
    repo=None, revision=None, sizes=[(SIDE, SIDE)], frames=FRAMES, fps=16, clip_scale=2, drawing_side=256,
    dtype="float32",
)  # fmt: skip
PARAMS = Evaluate(every=4)
EILEEN, NORA, DANCER = (Embedding.of(np.array(v)) for v in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]))
BLENDS = {
    "half": Blend(weights={"eileen": 0.5, "nora": 0.5}),
    "morph": Blend(between=("eileen", "nora"), t="moving"),
    "quarter": Blend(between=("eileen", "nora"), t=0.25),
}
PEOPLE = distances.People({"eileen": EILEEN, "nora": NORA}, BLENDS, [DANCER])
NO_FACE = np.full(3, np.nan, np.float32)


# ---- Identity -----------------------------------------------------------------------------------------------------------


def test_frame_without_a_face_counts_as_not_recognised() -> None:
    faces = np.stack([EILEEN.raw, EILEEN.raw + np.float32([0.3, 0, 0]), NO_FACE, NORA.raw])
    score = distances.compare(faces, PEOPLE.target("eileen", [0] * 4, 9), PEOPLE.others("eileen"), 0.6)
    assert score.face_detected_rate == 0.75
    assert score.recognised_rate == 0.5
    assert score.identity_distance == pytest.approx((0 + 0.3 + math.sqrt(2)) / 3)
    assert score.nearest_other_distance == pytest.approx((math.sqrt(2) + math.hypot(1.3, 1) + 0) / 3)


def test_face_near_the_target_but_nearer_to_another_is_not_recognised() -> None:
    target, other = np.float32([[1, 0, 0]]), np.float32([[1, 0.5, 0]])
    assert distances.compare(np.float32([[1, 0.3, 0]]), target, other, 0.6).recognised_rate == 0
    assert distances.compare(np.float32([[1, 0.2, 0]]), target, other, 0.6).recognised_rate == 1


def test_face_nearest_to_the_target_but_too_far_is_not_recognised() -> None:
    faces = np.float32([[1.61, 0, 0]])
    assert distances.compare(faces, EILEEN.raw[None], NORA.raw[None], 0.6).recognised_rate == 0
    assert distances.compare(faces, EILEEN.raw[None], NORA.raw[None], 0.62).recognised_rate == 1


def test_without_any_face_distances_are_missing_and_rates_zero() -> None:
    score = distances.compare(NO_FACE[None], EILEEN.raw[None], NORA.raw[None], 0.6)
    assert score == distances.IdentityScore(0.0, None, None, 0.0)


def test_nobody_else_known_leaves_the_threshold_alone() -> None:
    alone = distances.People({"eileen": EILEEN}, {}, [])
    score = distances.compare(EILEEN.raw[None], alone.target("eileen", [0], 9), alone.others("eileen"), 0.6)
    assert score == distances.IdentityScore(1.0, 0.0, None, 1.0)


def test_blend_is_scored_against_its_mixture_and_its_members_are_no_others() -> None:
    np.testing.assert_allclose(PEOPLE.target("half", [0, 4], 9), [[0.5, 0.5, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose(PEOPLE.target("quarter", [0], 9), [[math.cos(math.pi / 8), math.sin(math.pi / 8), 0]], atol=1e-6)
    for name in BLENDS:
        np.testing.assert_array_equal(PEOPLE.others(name), [DANCER.raw])
    np.testing.assert_array_equal(PEOPLE.others("nora"), [EILEEN.raw, DANCER.raw])


def test_target_of_a_moving_blend_goes_from_one_person_to_the_other() -> None:
    target = PEOPLE.target("morph", [0, 4, 8], 9)
    np.testing.assert_allclose(target, [[1, 0, 0], [math.sqrt(0.5), math.sqrt(0.5), 0], [0, 1, 0]], atol=1e-6)


# ---- Pose ---------------------------------------------------------------------------------------------------------------


def standing(frames: int = FRAMES) -> NDArray[np.float32]:
    """Joints (T, 17, 2) of someone whose torso is 50 px long."""
    joints = np.zeros((frames, 17, 2), np.float32)
    joints[:] = np.linspace(10, 110, 17)[:, None]
    for side, x in (("left", 80), ("right", 40)):
        joints[:, COCO.index(f"{side}_shoulder")] = (x, 30)
        joints[:, COCO.index(f"{side}_hip")] = (x, 80)
    return joints


def test_pck_counts_joints_within_a_fifth_of_the_torso() -> None:
    wanted = standing()
    found = wanted.copy()
    found[:, 9, 0] += 10  # 0.2 of the torso
    found[:, 10, 1] += 10.5
    score = pose.compare(found, wanted, np.ones((FRAMES, 17), bool))
    assert score.pck == pytest.approx(16 / 17)
    assert score.error_px == pytest.approx(20.5 / 17)
    assert score.torso_px == pytest.approx(50)


def test_frames_without_a_person_lower_pck_but_not_the_error() -> None:
    wanted = standing()
    found = wanted + np.float32([3, 4])
    found[::2] = np.nan
    score = pose.compare(found, wanted, np.ones((FRAMES, 17), bool))
    assert score.pck == pytest.approx(4 / 9)
    assert score.error_px == pytest.approx(5, rel=1e-4)


def test_joints_that_do_not_count_are_ignored() -> None:
    wanted = standing()
    found = wanted.copy()
    found[:, 3] += 40
    counts = np.ones((FRAMES, 17), bool)
    counts[:, 3] = False
    assert pose.compare(found, wanted, counts).pck == 1
    assert pose.compare(found, wanted, np.zeros_like(counts)) == pose.PoseScore(None, None, None)


def test_landmarks_are_matched_by_name_and_by_clip(tmp_path: Path) -> None:
    for skeleton, clip in ((MEDIAPIPE, "a_000"), (COCO, "b_000")):
        write_landmarks(tmp_path / f"{clip}.parquet", clip, standing(), skeleton)
    read = pose.read_landmarks([tmp_path / "a_000.parquet", tmp_path / "b_000.parquet"], ["a_000", "b_000", "control-x"])
    assert sorted(read) == ["a_000", "b_000"]
    np.testing.assert_array_equal(read["a_000"][..., :2], standing())
    np.testing.assert_array_equal(read["a_000"], read["b_000"])


def write_landmarks(path: Path, clip: str, joints: NDArray[np.float32], skeleton: tuple[str, ...] = COCO) -> None:
    """COCO joints (T, 17, 2) as a landmarks file, joints that COCO lacks far away."""
    rows = [
        {"clip": clip, "dancer": 1, "frame": t, "joint": name, "x": x, "y": y, "z": 0.0, "visibility": 1.0, "interpolated": False}
        for t in range(len(joints))
        for name in skeleton
        for x, y in [joints[t, COCO.index(name)] if name in COCO else (999.0, 999.0)]
    ]
    pd.DataFrame(rows).to_parquet(path)


# ---- Temporal consistency -----------------------------------------------------------------------------------------------


def moving_texture() -> NDArray[np.uint8]:
    """A smooth random texture (9, 96, 96, 3) that moves by two pixels a frame."""
    noise = np.random.default_rng(0).normal(size=(24, 24, 3))
    large = np.kron(noise, np.ones((6, 6, 1)))
    for axis in (0, 1):
        large = sum(np.roll(large, shift, axis) for shift in range(-3, 4)) / 7
    picture = np.clip(128 + 50 * large / large.std(), 0, 255).astype(np.uint8)
    return np.stack([picture[10:106, 10 + 2 * t : 106 + 2 * t] for t in range(9)])


def test_motion_is_no_flicker_but_changing_light_and_noise_are() -> None:
    clean = moving_texture()
    still = warping_error(np.stack([clean[0]] * 9))
    moved = warping_error(clean)
    light = clean.copy()
    light[::2] = np.clip(light[::2].astype(int) + 12, 0, 255).astype(np.uint8)
    noise = np.clip(clean + np.random.default_rng(1).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
    plain = float(np.abs(np.diff(clean.astype(int), axis=0)).mean())
    flicker_of_light, flicker_of_noise = warping_error(light), warping_error(noise)
    assert still is not None
    assert moved is not None
    assert flicker_of_light is not None
    assert flicker_of_noise is not None
    assert still < 0.05
    assert moved < 0.15 * plain
    assert 8 < flicker_of_light < 14
    assert flicker_of_noise > 8


def test_flicker_of_a_single_frame_cannot_be_measured() -> None:
    assert warping_error(moving_texture()[:1]) is None


def test_consistency_compares_only_successive_faces() -> None:
    a, b = np.float32([2, 0, 0]), np.float32([0, 1, 0])
    assert embedding_consistency(np.stack([a, a, b])) == pytest.approx(0.5)
    assert embedding_consistency(np.stack([a, NO_FACE, b, b])) == pytest.approx(1)
    assert embedding_consistency(np.stack([a, NO_FACE, b])) is None


# ---- A whole shard --------------------------------------------------------------------------------------------------------


class RedIsAFace:
    """A recogniser for which the mean colour of a frame is its face, and dark frames have none."""

    name = "colours"
    outlier_distance, recognised_distance = 0.55, 0.6
    dimension = 3

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        assert image.shape == (2 * SIDE, 2 * SIDE, 3)
        self.seen += 1
        box = np.float32([0, 0, SIDE, SIDE])
        doubtful = Face(np.float32([0, 0, 2 * SIDE, 2 * SIDE]), 0.1, np.zeros((5, 2), np.float32))
        return [doubtful, Face(box, 1.0, np.zeros((5, 2), np.float32))] if image.mean() > 20 else []

    def embed(self, image: Image, face: Face) -> Embedding:
        assert face.score == 1.0
        return Embedding.of(image.reshape(-1, 3).mean(axis=0) / 255)

    def align(self, image: Image, face: Face, size: int) -> Image:
        raise NotImplementedError


class SeesDancer:
    """A landmarker that finds the standing dancer in every bright frame."""

    def __init__(self) -> None:
        self.last = -1

    def detect(self, frame: Image, timestamp_ms: int) -> NDArray[np.float32]:
        assert timestamp_ms > self.last
        self.last = timestamp_ms
        person = np.zeros((1, 33, 4), np.float32)
        person[0, [MEDIAPIPE.index(name) for name in COCO], :2] = standing(1)[0] + np.float32([6, 8])
        return person if frame.mean() > 20 else person[:0]


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScoreFiles:
    """A red, a black and a control render of eileen."""

    @contextlib.contextmanager
    def open_landmarker(model: Path, mode: str, detection_confidence: float) -> Iterator[SeesDancer]:
        assert mode == "video"
        assert detection_confidence < 0.5, "a render shows a dancer for certain"
        yield SeesDancer()

    monkeypatch.setattr(sight, "open_landmarker", open_landmarker)
    renders = [("a_000", "default", (250, 3, 3)), ("a_000", "face_scale~0", (0, 0, 0)), ("control-x", "default", (3, 250, 3))]
    for clip, variant, colour in renders:
        frames = np.full((FRAMES, SIDE, SIDE, 3), colour, np.uint8)
        write_video(tmp_path / "renders" / "eileen" / clip / f"{variant}.mp4", frames, 16)
    rows = [{"identity": "eileen", "clip": c, "variant": v, "video": f"eileen/{c}/{v}.mp4"} for c, v, _ in renders]
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    write_landmarks(tmp_path / "landmarks.parquet", "a_000", standing())
    for name, embedding in (("eileen", EILEEN), ("nora", NORA)):
        save_embeddings(tmp_path / f"{name}.safetensors", {"embedding": embedding}, {})
    save_embeddings(tmp_path / "dancers.safetensors", {"a_000": DANCER}, {})
    (tmp_path / "pose.task").write_bytes(b"a model")
    return ScoreFiles(
        renders=tmp_path / "manifest.csv",
        named=[],
        renders_folder=tmp_path / "renders",
        landmarks=[tmp_path / "landmarks.parquet"],
        identities={name: tmp_path / f"{name}.safetensors" for name in ("eileen", "nora")},
        references={},
        dancers=tmp_path / "dancers.safetensors",
        pose_model=tmp_path / "pose.task",
        observations=tmp_path / "observations",
        scores=tmp_path / "scores" / "0000.csv",
        seconds=tmp_path / "seconds" / "0000.csv",
    )


@pytest.fixture
def backend() -> RedIsAFace:
    return RedIsAFace()


Score = Callable[[ScoreFiles], pd.DataFrame]


@pytest.fixture
def score(tmp_path: Path, backend: RedIsAFace, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Scores a shard without a second judge, and gives the table."""
    monkeypatch.setattr(scores, "open_landmark_judge", lambda: None)
    write_json(tmp_path / "stamp.json", {"params": {}, "code": "1", "items": []})

    def run(files: ScoreFiles) -> pd.DataFrame:
        score_shard(files, backend, BLENDS, PARAMS, WAN, tmp_path / "stamp.json")
        return pd.read_csv(files.scores)

    return run


def test_shard_is_scored_with_missing_values_where_nothing_can_be_measured(shard: ScoreFiles, score: Score) -> None:
    table = score(shard)
    assert tuple(table.columns) == COLUMNS
    red, black, control = (row for _, row in table.iterrows())
    assert red["frames"] == FRAMES
    assert red["face_detected_rate"] == red["recognised_rate"] == red["pose_detected_rate"] == red["pose_pck"] == 1
    assert red["identity_distance"] < 0.1
    assert red["nearest_other_distance"] > 1.3
    assert red["pose_error_px"] == pytest.approx(10, abs=0.01)
    assert red["embedding_consistency"] == pytest.approx(1, abs=1e-3)
    assert black["face_detected_rate"] == black["recognised_rate"] == black["pose_detected_rate"] == black["pose_pck"] == 0
    assert black[["identity_distance", "nearest_other_distance", "embedding_consistency", "pose_error_px"]].isna().all()
    assert control["face_detected_rate"] == control["pose_detected_rate"] == 1
    assert control["recognised_rate"] == 0  # green is nora
    assert control[["pose_error_px", "pose_pck"]].isna().all()


class Reddish:
    """A landmark judge to whom all points are where the red of a picture says."""

    def shape(self, image: Image, face: Face) -> Shape:
        return np.full((68, 2), image[..., 0].mean() / 250)


def test_the_second_judge_compares_with_the_best_photo(
    shard: ScoreFiles, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PIL.Image.new("RGB", (2 * SIDE, 2 * SIDE), (200, 3, 3)).save(tmp_path / "reference.png")
    known = dataclasses.replace(shard, references={"eileen": tmp_path / "reference.png"})
    assert score(known)["landmark_distance"].isna().all()
    monkeypatch.setattr(scores, "open_landmark_judge", Reddish)
    assert score(shard)["landmark_distance"].isna().all()
    red, black, _ = score(known)["landmark_distance"]
    assert red == pytest.approx(0.2 * 2**0.5, abs=0.03)
    assert np.isnan(black), "there is no face"


def test_a_clip_of_one_dancer_is_scored_the_same_in_a_cast(shard: ScoreFiles, score: Score) -> None:
    alone, seconds = score(shard), shard.seconds.read_text()
    assert alone["dancer"].tolist() == [1, 1, 1]
    assert alone["swaps"].isna().all()
    (shard.renders_folder / "eileen").rename(shard.renders_folder / "1~eileen_2~nora")
    shard.renders.write_text(shard.renders.read_text().replace("eileen", "1~eileen_2~nora"))
    cast = score(shard)
    assert cast["identity"].unique().tolist() == ["1~eileen_2~nora"]
    assert cast.drop(columns="identity").equals(alone.drop(columns="identity"))
    assert shard.seconds.read_text().replace("1~eileen_2~nora", "eileen") == seconds


def test_each_second_has_a_row_and_a_long_render_has_drifts(shard: ScoreFiles, score: Score) -> None:
    video = shard.renders_folder / "eileen" / "control-x" / "default.mp4"
    long = np.full((40, SIDE, SIDE, 3), (250, 3, 3), np.uint8)
    long[16:] = (250, 60, 3)
    long[::2, :4, :4] = 0  # or nothing would change elsewhere
    write_video(video, long, 16)
    write_json(video.with_suffix(".json"), {"seams": [16]})
    table = score(shard)
    short, drifted = table.iloc[0], table.iloc[2]
    assert short[list(DRIFTS)].isna().all()
    assert drifted["identity_drift"] == pytest.approx(0.2, abs=0.02)
    assert drifted["clothes_hue_drift"] == pytest.approx(13.8, abs=1)
    assert drifted["seam_change"] > 10
    seconds = pd.read_csv(shard.seconds)
    assert tuple(seconds.columns) == SECONDS_COLUMNS
    assert seconds["second"].tolist() == [0, 0, 0, 1]
    assert seconds["change"].tolist()[2:] == pytest.approx([0, 20], abs=1)


def test_another_dancer_changes_scores_without_looking_at_videos_again(
    shard: ScoreFiles, backend: RedIsAFace, score: Score
) -> None:
    first = score(shard)
    seen = backend.seen
    assert seen == 9
    save_embeddings(shard.dancers, {"a_000": DANCER, "b_000": EILEEN}, {})
    second = score(shard)
    assert backend.seen == seen
    assert first["nearest_other_distance"][0] > 1.3
    assert second["nearest_other_distance"][0] < 0.1


def test_only_a_changed_render_is_looked_at_again(shard: ScoreFiles, backend: RedIsAFace, score: Score) -> None:
    score(shard)
    write_video(shard.renders_folder / "eileen/a_000/default.mp4", np.full((FRAMES, SIDE, SIDE, 3), (3, 3, 250), np.uint8), 16)
    table = score(shard)
    assert backend.seen == 12
    assert table["recognised_rate"][0] == 0


def test_another_pose_model_looks_again(shard: ScoreFiles, backend: RedIsAFace, score: Score) -> None:
    score(shard)
    shard.pose_model.write_bytes(b"a better model")
    score(shard)
    assert backend.seen == 18


def test_equal_inputs_give_equal_bytes(shard: ScoreFiles, score: Score) -> None:
    score(shard)
    again = dataclasses.replace(
        shard, scores=shard.scores.with_name("again.csv"), observations=shard.observations.with_name("again")
    )
    score(again)
    assert again.scores.read_bytes() == shard.scores.read_bytes()


def test_render_and_driving_pose_of_different_length_are_refused(shard: ScoreFiles, score: Score) -> None:
    write_landmarks(shard.landmarks[0], "a_000", standing(FRAMES + 4))
    with pytest.raises(ValueError, match="9 frames but its driving pose 13"):
        score(shard)


def test_renders_asked_for_by_name_are_scored_as_long_as_they_fit_their_clips(shard: ScoreFiles, score: Score) -> None:
    def render(clip: str, variant: str, frames: int = FRAMES) -> tuple[str, str, str]:
        video = shard.renders_folder / "eileen" / clip / f"{variant}.mp4"
        write_video(video, np.full((frames, SIDE, SIDE, 3), (250, 3, 3), np.uint8), 16)
        return "eileen", clip, variant

    listed = ("eileen", "a_000", "default")
    named = [
        listed,
        render("a_000", "seed~1"),
        render("control-x", "seed~1"),
        render("a_000", "seed~2", 13),
        render("gone_000", "seed~1"),
    ]
    before = score(shard)
    table = score(dataclasses.replace(shard, named=named))
    assert table[: len(before)].equals(before)
    assert table[len(before) :][["clip", "variant"]].to_numpy().tolist() == [["a_000", "seed~1"], ["control-x", "seed~1"]]
    assert table["identity_distance"].to_list()[len(before)] < 0.1


# ---- Summary --------------------------------------------------------------------------------------------------------------


def summarised(tmp_path: Path, scores: list[Path], accuracy: Path | None) -> tuple[Path, Path]:
    """The merged table and the means of tables of scores, with the merged one of seconds beside them."""
    seconds = []
    for number, second in enumerate((10, 9)):
        seconds.append(tmp_path / f"seconds{number}.csv")
        seconds[-1].write_text(f"identity,clip,variant,dancer,second,pose_pck\na,b_000,default,1,{second},\n")
    outputs = {"metrics_csv": tmp_path / "metrics.csv", "metrics_json": tmp_path / "metrics.json"}
    summarise(scores, seconds, accuracy, seconds_csv=tmp_path / "seconds.csv", **outputs)
    head = "identity,clip,variant,dancer,second,pose_pck"
    assert (tmp_path / "seconds.csv").read_text() == f"{head}\na,b_000,default,1,9,\na,b_000,default,1,10,\n"
    return outputs["metrics_csv"], outputs["metrics_json"]


def test_summary_merges_sorts_and_averages(tmp_path: Path) -> None:
    head = "identity,clip,variant,dancer,frames,recognised_rate,swaps,pose_pck"
    (tmp_path / "1.csv").write_text(f"{head}\nnull,b_000,default,1,9,1.0,,0.5\nnull,a_000,default,1,9,0.5,,\n")
    (tmp_path / "0.csv").write_text(f"{head}\neileen,a_000,default,1,9,0.25,,\n")
    (tmp_path / "accuracy.csv").write_text(
        "clip,origin,pck,error_px,torso_px,frames\na_000,mediapipe,0.9,2,50,9\nb_000,mediapipe,1,4,50,9\n"
    )
    outputs = summarised(tmp_path, [tmp_path / "1.csv", tmp_path / "0.csv"], tmp_path / "accuracy.csv")
    lines = outputs[0].read_text().splitlines()
    rows = ["eileen,a_000,default,1,9,0.25,,", "null,a_000,default,1,9,0.5,,", "null,b_000,default,1,9,1.0,,0.5"]
    assert lines == [head, *rows]
    assert "NaN" not in outputs[1].read_text()
    assert json.loads(outputs[1].read_text()) == {
        "renders": {
            "eileen": {"default": {"clips": 1, "recognised_rate": 0.25, "pose_pck": None}},
            "null": {"default": {"clips": 2, "recognised_rate": 0.75, "pose_pck": 0.5}},
        },
        "pose_extraction": {"mediapipe": {"clips": 2, "pck": 0.95, "error_px": 3.0}},
    }


def test_summary_of_several_dancers_has_their_mean_and_each_ones(tmp_path: Path) -> None:
    head = "identity,clip,variant,dancer,frames,recognised_rate,swaps"
    (tmp_path / "0.csv").write_text(
        f"{head}\n1~a_2~b,y_000,default,2,9,0.5,0.5\n1~a_2~b,y_000,default,1,9,1.0,0\n1~a_2~b,x_000,default,1,9,0.6,\n"
    )
    outputs = summarised(tmp_path, [tmp_path / "0.csv"], None)
    names = [line.split(",")[1:4:2] for line in outputs[0].read_text().splitlines()[1:]]
    assert names == [["x_000", "1"], ["y_000", "1"], ["y_000", "2"]]
    assert json.loads(outputs[1].read_text())["renders"]["1~a_2~b"]["default"] == {
        "clips": 2,
        "recognised_rate": 0.7,
        "swaps": 0.25,
        "dancers": {
            "1": {"clips": 2, "recognised_rate": 0.8, "swaps": 0.0},
            "2": {"clips": 1, "recognised_rate": 0.5, "swaps": 0.5},
        },
    }


def test_summary_without_ground_truth_has_no_extraction(tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_text("identity,clip,variant,dancer,frames,swaps,flicker\na,b_000,default,1,9,,1\n")
    _, means = summarised(tmp_path, [tmp_path / "0.csv"], None)
    assert json.loads(means.read_text())["pose_extraction"] == {}
