"""A folder of videos is scored as renders are, with a made-up recogniser, landmarker and second judge."""

import contextlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from facedance import layout
from facedance.command.main import main
from facedance.config.params import Params, load
from facedance.evaluate import judge, sight
from facedance.evaluate.score import COLUMNS as OF_RENDERS
from facedance.evaluate.score import ScoreFiles, score_shard
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.faces.face import Face
from facedance.files import write_json
from facedance.job import InputError
from facedance.names import shard_of_clip
from facedance.poses.skeleton import COCO, COCO_IN_MEDIAPIPE
from facedance.video.writing import write_video
from facedance.yardstick import folder, judges, protocol
from facedance.yardstick.folder import Request, score_folder
from facedance.yardstick.judges import Sitter
from facedance.yardstick.score import COLUMNS

ROOT = Path(__file__).parents[2]
CLIP, SIDE, FRAMES = "dance_000", 128, 33
RED, BLACK = (250, 3, 3), (0, 0, 0)
SHAPE = np.random.default_rng(0).normal(size=(68, 2))


class Colours:
    """A recogniser for which the mean colour of a frame is its face, and dark frames have none."""

    name, dimension = "colours", 3
    outlier_distance, recognised_distance = 0.55, 0.6
    face_model = np.zeros((5, 3), np.float32)
    opened = 0

    def detect(self, image, min_face_px):
        return [Face(np.float32([0, 0, 64, 64]), 1.0, np.zeros((5, 2), np.float32))] if image.mean() > 20 else []

    def embed(self, image, face):
        return Embedding.of(image.reshape(-1, 3).mean(axis=0) / 255)

    def align(self, image, face, size):
        raise NotImplementedError


def opened_colours(name, place):
    Colours.opened += 1
    return Colours()


class Shapes:
    """A second judge who sees one shape."""

    def __init__(self, predictor):
        pass

    def shape(self, image, face):
        return SHAPE + 0.01


def joints() -> np.ndarray:
    """Joints (FRAMES, 17, 2) in a clip of twice the side, moving to the right."""
    found = np.tile(np.linspace(30, 200, 17, dtype=np.float32)[:, None], (FRAMES, 1, 2)).reshape(FRAMES, 17, 2)
    for side, x in (("left", 140), ("right", 100)):
        found[:, COCO.index(f"{side}_shoulder")] = (x, 60)
        found[:, COCO.index(f"{side}_hip")] = (x, 160)
    found[..., 0] += np.arange(FRAMES, dtype=np.float32)[:, None]
    return found


class Dancer:
    """A landmarker that finds the dancer of `joints` where frames are bright, by the time that it is told; 3 px to the side."""

    def __init__(self, lead_in_ms):
        self._lead_in = lead_in_ms

    def detect(self, frame, timestamp_ms):
        at = min(max(round((timestamp_ms - self._lead_in) * 16 / 1000), 0), FRAMES - 1)
        person = np.zeros((1, 33, 4), np.float32)
        person[0, COCO_IN_MEDIAPIPE, :2] = (joints()[at] + [3, 0]) * (np.array(frame.shape[1::-1]) / (2 * SIDE))
        return person if frame.mean() > 20 else person[:0]


@pytest.fixture
def params() -> Params:
    return load(ROOT / "params.yaml", {"evaluate": {"every": 4}})


@pytest.fixture
def project(tmp_path, monkeypatch, params):
    """A project in which eileen is known and was rendered in a dance; the current folder."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)

    @contextlib.contextmanager
    def open_landmarker(model, mode, detection_confidence):
        yield Dancer(1000 * sight.LEAD_IN / 16)

    monkeypatch.setattr(sight, "open_landmarker", open_landmarker)
    monkeypatch.setattr(judges, "open_backend", opened_colours)
    monkeypatch.setattr(judge, "LandmarkJudge", Shapes)
    predictor = root / "predictor.dat"
    predictor.write_bytes(b"points")
    monkeypatch.setattr(judge, "installed_predictor", lambda: predictor)
    monkeypatch.setattr(protocol, "installed_predictor", lambda: predictor)
    monkeypatch.setattr(folder, "meet", lambda photos, judges, faces: Sitter(SHAPE, None))
    Colours.opened = 0
    (root / layout.POSE_MODEL).parent.mkdir(parents=True)
    (root / layout.POSE_MODEL).write_bytes(b"a model")
    write_json(root / layout.FACE_MODEL.format(pack="dlib"), {"files": {"net.dat": {"size": 3, "sha256": "ab" * 32}}})
    for name, face in (("eileen", [1.0, 0, 0]), ("nora", [0, 1.0, 0])):
        save_embeddings(root / layout.EMBEDDING.format(identity=name), {"embedding": Embedding.of(np.array(face))}, {})
    save_embeddings(root / layout.ALL_DANCERS, {CLIP: Embedding.of(np.array([0, 0, 1.0]))}, {})
    (root / layout.PHOTO_LIST.format(identity="eileen")).write_text("photo,status\na.png,accepted\n")
    Pillow.new("RGB", (64, 64)).save(root / layout.REFERENCE.format(identity="eileen"))
    rows = [
        {"clip": CLIP, "dancer": 1, "frame": t, "joint": name, "x": x, "y": y, "z": 0.0, "visibility": 1.0}
        for t, frame in enumerate(joints())
        for name, (x, y) in zip(COCO, frame, strict=True)
    ]
    landmarks = root / layout.LANDMARKS.format(shard=shard_of_clip(CLIP, params.shards))
    landmarks.parent.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(landmarks)
    (root / layout.ALL_CLIPS).parent.mkdir(parents=True)
    (root / layout.ALL_CLIPS).write_text(f"clip,status,width,height\n{CLIP},accepted,{2 * SIDE},{2 * SIDE}\n")
    for template in (layout.CLIP, layout.CONTROL):
        write_video(root / template.format(clip=CLIP), np.full((2, 2 * SIDE, 2 * SIDE, 3), 90, np.uint8), 16)
    for variant, colour in (("default", RED), ("face_scale~0", BLACK)):
        video = root / layout.RENDER.format(who="eileen", clip=CLIP, variant=variant)
        write_video(video, np.full((FRAMES, SIDE, SIDE, 3), colour, np.uint8), 16)
    write_json(
        root / layout.RENDER_FACTS.format(who="eileen", clip=CLIP, variant="default"), {"ai_generated": True, "seams": [17]}
    )
    return root


def score(project: Path, params: Params, place: Path, driving: str = "") -> tuple[list, dict]:
    """What was found in the videos of a folder, and scores.json."""
    request = Request(place, "eileen", driving, project / "out")
    found = list(score_folder(project, params, request))
    return found, json.loads((project / "out/scores.json").read_text())


def rendered(project: Path, params: Params) -> pd.DataFrame:
    """The table of the renders' own scores, as texts."""
    names = [("eileen", CLIP, "default"), ("eileen", CLIP, "face_scale~0")]
    pd.DataFrame(names, columns=["identity", "clip", "variant"]).to_csv("list.csv", index=False)
    write_json("stamp.json", {"params": {}, "code": "1", "items": []})
    files = ScoreFiles(
        renders=Path("list.csv"), named=[], renders_folder=Path("results/render"),
        landmarks=list(project.glob("results/poses/landmarks/*.parquet")),
        identities={name: Path(layout.EMBEDDING.format(identity=name)) for name in ("eileen", "nora")},
        references={},
        dancers=Path(layout.ALL_DANCERS), pose_model=Path(layout.POSE_MODEL), observations=Path("seen"),
        scores=project / layout.ALL_SCORES, seconds=project / layout.ALL_SECONDS,
    )  # fmt: skip
    score_shard(files, Colours(), params.render.blends, params.evaluate, params.wan, Path("stamp.json"))
    return pd.read_csv(files.scores, dtype=str, keep_default_na=False)


def test_renders_of_this_project_get_the_numbers_of_its_own_table(project, params):
    own = rendered(project, params)
    score(project, params, Path("results/render/eileen"))
    table = pd.read_csv(project / "out/scores.csv", dtype=str, keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert table["video"].tolist() == [f"{CLIP}/default.mp4", f"{CLIP}/face_scale~0.mp4"]
    assert set(table["driving"]) == {CLIP}
    measured = [column for column in OF_RENDERS if column in COLUMNS]
    assert {"identity_distance", "pose_pck", "flicker", "seam_change", "background_drift", "identity_drift"} <= {*measured}
    pd.testing.assert_frame_equal(table[measured], own[measured])
    assert table["pose_error_px"].tolist() == ["3.0000", ""]
    assert table["shape_distance"].tolist() == ["0.0141", ""]
    assert set(table["reason"]) == {""}


def test_videos_of_other_sizes_and_rates_are_compared_in_time(project, params):
    place = project / "others"
    for name, fps, size in (("fast", 48, (192, 192)), ("wide", 24, (320, 160)), ("slow", 8, (SIDE, SIDE))):
        count = round((FRAMES - 1) / 16 * fps) + 1
        write_video(place / f"{name}.mp4", np.full((count, size[1], size[0], 3), RED, np.uint8), fps)
    (place / "torn.mp4").write_bytes(b"no video")
    (place / "lost.mp4").symlink_to("nowhere")
    os.mkfifo(place / "pipe.mp4")  # whoever opened it would wait for ever
    write_video(place / "years.mp4", np.full((2, SIDE, SIDE, 3), RED, np.uint8), 0.001)
    (place / "slow.json").write_text("[1]")
    (place / "notes.txt").write_text("no video, and not taken for one")
    found, facts = score(project, params, place, CLIP)
    assert Colours.opened == 1
    rows = {one.row["video"]: one.row for one in found}
    assert rows["torn.mp4"]["reason"] == "cannot be opened (Invalid data found when processing input)"
    assert rows["lost.mp4"]["reason"] == "is a link to nowhere, which is not there"
    assert rows["pipe.mp4"]["reason"] == "is no file"
    assert rows["years.mp4"]["reason"] == "has 2 frames in 2000.00 s, too few to judge"
    for name in ("fast", "slow"):
        row = rows[f"{name}.mp4"]
        assert row["pose_pck"] == row["face_detected_rate"] == row["recognised_rate"] == 1
        assert row["pose_error_px"] == pytest.approx(3, abs=0.6)
        assert abs(row["frames"] - FRAMES) <= 1
    assert rows["wide.mp4"]["note"] == "the dance is 256 x 256, taken as stretched"
    assert "slower than 16 frames a second" in rows["slow.mp4"]["note"]
    assert (rows["fast.mp4"]["fps"], rows["fast.mp4"]["width"]) == (pytest.approx(48), 192)
    assert facts["means"]["videos"] == 3
    assert facts["means"]["recognised_rate"] == 1
    assert len(facts["videos"]) == 7
    assert facts["protocol"]["version"] == protocol.VERSION
    assert facts["protocol"]["weights"]["dlib/net.dat"] == "ab" * 32
    assert facts["others"] == {"people": 1, "dancers": 1}


def test_without_a_dance_all_but_the_pose_is_judged(project, params):
    write_video(project / "others/holiday.mp4", np.full((20, 96, 96, 3), RED, np.uint8), 25)
    [one], _ = score(project, params, project / "others")
    assert one.row["driving"] == ""
    assert one.row["pose_pck"] is None
    assert one.row["recognised_rate"] == one.row["pose_detected_rate"] == 1


def test_the_page_shows_ours_of_the_same_dance_beside_theirs(project, params):
    rendered(project, params)
    write_video(project / f"others/{CLIP}.mp4", np.full((FRAMES, 96, 96, 3), RED, np.uint8), 16)
    score(project, params, project / "others")
    page = (project / "out/index.html").read_text()
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [row["variant"] for row in data["renders"]] == [f"{CLIP}.mp4", "ours: default", "ours: face_scale~0"]
    assert {row["clip"] for row in data["renders"]} == {CLIP}
    assert data["renders"][0]["shape_distance"] == pytest.approx(0.0141, abs=1e-4)
    shown = [row["video"] for row in data["renders"]] + [data["clips"][CLIP][kind] for kind in ("source", "control")]
    assert all((project / "out" / address.replace("%7E", "~")).is_file() for address in shown)
    assert data["summary"].startswith("1 video judged as eileen, with 2 of this project's renders")


def test_the_protocol_s_digest_tells_settings_apart(project, params):
    judged = judges.open_judges(project, params)
    first = protocol.protocol(project, params, judged)
    assert protocol.protocol(project, params, judged) == first
    other = load(ROOT / "params.yaml", {"evaluate": {"every": 2}})
    assert protocol.protocol(project, other, judged)["digest"] != first["digest"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "--person", "eileen"], "none is no folder"),
        (["empty", "--person", "eileen"], "empty holds no videos"),
        (["videos", "--person", "zoe"], "nobody is called 'zoe': --person is a person or blend of params.yaml (eileen, nora,"),
        (["videos", "--person", "eileen", "--driving", "waltz"], "waltz is neither a clip of results/clips/clips.csv"),
        (["videos", "--person", "eileen", "--out", "videos/scores"], "videos/scores lies in videos"),
        (["videos", "--person", "eileen", "--out", "params.yaml/a"], "no results can be kept in params.yaml/a (Not a directory)"),
    ],
)
def test_mistakes_are_one_sentence(project, capsys, arguments, message):
    for name in ("params.yaml", "models.yaml"):
        (project / name).write_text((ROOT / name).read_text())
    (project / "empty").mkdir()
    write_video(project / "videos/a.mp4", np.full((20, 96, 96, 3), RED, np.uint8), 25)
    with pytest.raises(SystemExit, match="2"):
        main(["score", *arguments])
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1


def test_somebody_without_a_face_is_told_how_to_get_one(project, params):
    (project / layout.EMBEDDING.format(identity="eileen")).unlink()
    write_video(project / "videos/a.mp4", np.full((20, 96, 96, 3), RED, np.uint8), 25)
    with pytest.raises(InputError, match=r"the face of eileen is not known yet: `facedance run faces`"):
        score(project, params, project / "videos")
