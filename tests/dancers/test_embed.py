"""The dancers' faces in small clips with known places."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facedance.clips.original import Original
from facedance.config.sections import Dancers, Faces
from facedance.dancers.embed import DancerFiles, embed_clip, embed_shard, follow, gather_dancers, pictures_of
from facedance.faces.backend import open_backend
from facedance.faces.embedding import Embedding, distance, load_embeddings, save_embeddings
from facedance.faces.face import Face
from facedance.video.writing import write_video
from tests.faces.people import dlib_folder, portrait, scaled, somebody_else
from tests.held import CountedFootage

SIZE = 256
FRAMES = 25
PARAMS = Dancers(every=4, min_faces=3)
FACES = Faces(
    backend="dlib",
    insightface_model="buffalo_l",
    detector_score=0.0,
    min_photos=3,
    min_face_px=48,
    min_sharpness=20.0,
    max_yaw_degrees=50.0,
    outlier_distance=0.45,
    aggregation="weighted_mean",
)
EYES_TO_SHOULDERS = 48  # pixels


@pytest.fixture(scope="module")
def backend():
    return open_backend("dlib", dlib_folder())


def head(image, scale):
    """The head of a portrait, cut tightly, and where the middle of its face is."""
    return scaled(image[20:220, 60:260], scale), np.array([102, 100]) * scale


def scene(faces_from, to, hidden=(), bystander=None):
    """Frames in which a face of 40 px moves from left to right and down, and the middle of that face in each."""
    picture, middle = head(faces_from, 0.45)
    height, width = picture.shape[:2]
    frames = np.full((FRAMES, SIZE, SIZE, 3), 120, np.uint8)
    centres = np.linspace((60, 60), to, FRAMES).round()
    for i, centre in enumerate(centres):
        x, y = (centre - middle).astype(int)
        if i not in hidden:
            frames[i, y : y + height, x : x + width] = picture
        if bystander is not None:
            frames[i, :130, SIZE - 130 :] = scaled(bystander[20:220, 60:260], 0.65)
    return frames, centres


def landmarks(clip, centres):
    """As the pose stage writes them, for the joints of the head and the shoulders."""
    places = {
        "nose": (0, 6),
        "left_eye": (9, -8),
        "right_eye": (-9, -8),
        "left_ear": (20, -3),
        "right_ear": (-20, -3),
        "left_shoulder": (34, EYES_TO_SHOULDERS),
        "right_shoulder": (-34, EYES_TO_SHOULDERS),
    }
    rows = [
        (clip, 1, frame, joint, x + dx, y + dy, 0.0, 1.0, False)
        for frame, (x, y) in enumerate(centres)
        for joint, (dx, dy) in places.items()
    ]
    return pd.DataFrame(rows, columns=["clip", "dancer", "frame", "joint", "x", "y", "z", "visibility", "interpolated"])


class Anything(dict):
    """Videos of any name; nobody looks into them, because clips of their size are as good."""

    def __missing__(self, name):
        return Path("no such video")


def cuts(root, clips, window=(0, 0, SIZE, SIZE), size=SIZE):
    """The table of the clips stage: clips from the beginning of their videos."""
    places = dict(zip(["crop_x", "crop_y", "crop_w", "crop_h"], window, strict=True))
    rows = [{"clip": c, "start_s": 0.0, "fps": 16, "frames": FRAMES, "width": size, "height": size, **places} for c in clips]
    columns = ["clip", "start_s", "fps", "frames", "width", "height", *places]
    pd.DataFrame(rows, columns=columns).to_csv(root / "cuts.csv", index=False)


@pytest.fixture(scope="module")
def shard(tmp_path_factory, backend):
    """Clips: eileen (a larger bystander beside her), other, away (turned away from frame 3 on), nobody, without a pose."""
    root = tmp_path_factory.mktemp("shard")
    clips = {
        "eileen": scene(portrait(), (90, 180), bystander=somebody_else()),
        "other": scene(somebody_else(), (190, 190)),
        "away": scene(portrait(), (190, 60), hidden=range(3, FRAMES)),
        "nobody": scene(portrait(), (190, 190), hidden=range(FRAMES)),
        "poseless": scene(portrait(), (190, 190), hidden=range(FRAMES)),
    }
    for name, (frames, _) in clips.items():
        write_video(root / f"clips/{name}.mp4", frames, 16)
    manifest = pd.DataFrame({"clip": [*clips, "refused"], "status": ["accepted"] * len(clips) + ["rejected"], "reason": ""})
    manifest.to_csv(root / "clips.csv", index=False)
    cuts(root, clips)
    poses = pd.concat([landmarks(name, centres) for name, (_, centres) in clips.items() if name != "poseless"])
    poses.to_parquet(root / "landmarks.parquet", index=False)
    (root / "stamp.json").write_text(json.dumps({"params": {}, "code": "1", "items": []}))
    run(root, backend)
    return root, {name: centres for name, (_, centres) in clips.items()}


def run(root, backend):
    files = DancerFiles(
        clips=root / "clips.csv",
        cuts=root / "cuts.csv",
        videos=Anything(),
        clips_folder=root / "clips",
        landmarks=root / "landmarks.parquet",
        boxes=root / "boxes.parquet",
        embeddings=root / "embeddings.safetensors",
        folder=root / "dancers",
    )
    embed_shard(files, backend, PARAMS, FACES, root / "stamp.json")


def test_boxes_follow_the_dancer_in_every_frame(shard):
    root, centres = shard
    boxes = pd.read_parquet(root / "boxes.parquet")
    assert boxes.columns.tolist() == ["clip", "dancer", "frame", "x0", "y0", "x1", "y1"]
    for clip in ("eileen", "other"):
        of_clip = boxes[boxes["clip"] == clip]
        assert of_clip.frame.tolist() == list(range(FRAMES))
        middle = (of_clip[["x0", "y0"]].to_numpy() + of_clip[["x1", "y1"]].to_numpy()) / 2
        np.testing.assert_allclose(middle, centres[clip], atol=6)
        np.testing.assert_allclose(of_clip.x1 - of_clip.x0, 40, atol=8)


def test_embeddings_are_the_dancers_and_not_the_bystanders(shard, backend):
    root, _ = shard
    found = load_embeddings(root / "embeddings.safetensors")
    assert found.keys() == {"eileen", "other"}
    image = portrait()
    eileen = backend.embed(image, backend.detect(image, 80)[0])
    assert distance(found["eileen"], eileen) < 0.3
    assert distance(found["other"], eileen) > 0.45


def test_faces_that_the_clip_is_too_small_for_are_seen_in_its_video(tmp_path, backend):
    """The clip is the lower right of its video at two fifths of its size, so that a face has 16 of 40 pixels."""
    frames, centres = scene(portrait(), (90, 180))
    clip = np.stack([cv2.resize(frame, (SIZE * 2 // 5, SIZE * 2 // 5), interpolation=cv2.INTER_AREA) for frame in frames])
    write_video(tmp_path / "clip.mp4", clip, 16)
    write_video(tmp_path / "video.mp4", np.pad(frames, ((0, 0), (30, 0), (50, 0), (0, 0))), 16)
    poses = landmarks("clip", centres)
    poses[["x", "y"]] *= 0.4
    places = {"start": 0.0, "fps": 16, "frames": FRAMES, "size": (SIZE * 2 // 5,) * 2}
    found = [
        embed_clip(
            Original(tmp_path / "clip.mp4", tmp_path / "video.mp4", windows=[window] * FRAMES, **places),
            poses,
            backend,
            PARAMS,
            0.0,
        )
        for window in ((50, 30, SIZE, SIZE), (0, 0, 10, 10))  # the second has no more pixels than the clip
    ]
    assert [dancer.embedding is not None for dancer in found] == [True, False]
    image = portrait()
    assert distance(found[0].embedding, backend.embed(image, backend.detect(image, 80)[0])) < 0.3
    boxes = np.array([found[0].boxes[i] for i in range(FRAMES)])
    np.testing.assert_allclose((boxes[:, :2] + boxes[:, 2:]) / 2, 0.4 * centres, atol=3)
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 16, atol=4)


class Seeing:
    """A backend to which every picture is a face in its middle."""

    name = "made up"

    def detect(self, image, _min_face_px):
        height, width = image.shape[:2]
        middle = np.float32([width, height, width, height]) / 2
        return [Face(middle + np.float32([-20, -20, 20, 20]), 1.0, np.zeros((5, 2), np.float32))]

    def embed(self, _image, _face):
        return Embedding.of(np.ones(4))


class LongOriginal:
    """Black pictures of a clip of so many frames."""

    size = picture_size = SIZE, SIZE

    def __init__(self, frames):
        self.frames, self.footage = frames, CountedFootage(frames, self.size)

    def pictures(self, indices):
        return (self.footage[index] for index in indices)


@pytest.mark.parametrize(("frames", "looks"), [(81, 21), (960, 240), (2001, 223)])
def test_a_long_clip_is_looked_at_no_more_than_a_minute_is(frames, looks):
    original = LongOriginal(frames)
    poses = landmarks("clip", np.full((frames, 2), 100.0))
    dancer = embed_clip(original, poses, Seeing(), PARAMS, 0.0)
    assert (dancer.looked, dancer.seen) == (looks, looks)
    assert list(dancer.boxes) == list(range(frames))
    assert original.footage.most <= 3  # the best one so far is kept for its picture


def test_a_dancer_who_turns_away_has_boxes_only_while_the_face_is_known(shard):
    root, _ = shard
    boxes = pd.read_parquet(root / "boxes.parquet")
    assert boxes[boxes["clip"] == "away"].frame.tolist() == list(range(2 * PARAMS.every + 1))
    assert not boxes["clip"].isin(["nobody", "poseless", "refused"]).any()
    assert sorted(p.name for p in (root / "dancers").glob("*.png")) == ["away.png", "eileen.png", "other.png"]


def test_the_picture_shows_the_head_on_white(shard):
    root, _ = shard
    picture = np.asarray(Image.open(root / "dancers/eileen.png"))
    assert picture.shape == (256, 256, 3)
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()


class Counting:
    """A backend that counts its detections."""

    def __init__(self, backend):
        self._backend, self.name, self.detections = backend, backend.name, 0

    def detect(self, image, min_face_px):
        self.detections += 1
        return self._backend.detect(image, min_face_px)

    def embed(self, image, face):
        return self._backend.embed(image, face)


def test_only_what_changed_is_looked_at_again(shard, backend):
    root, centres = shard
    files = ["boxes.parquet", "embeddings.safetensors", "dancers/eileen.png"]
    before = [(root / f).read_bytes() for f in files]
    counting = Counting(backend)
    run(root, counting)
    assert counting.detections == 0
    assert [(root / f).read_bytes() for f in files] == before

    looks = len(range(0, FRAMES, PARAMS.every))
    (root / "dancers/eileen.png").unlink()
    run(root, counting)
    assert counting.detections == looks
    assert [(root / f).read_bytes() for f in files] == before

    poses = pd.read_parquet(root / "landmarks.parquet")
    poses.loc[poses["clip"] == "other", "x"] += 1
    poses.to_parquet(root / "landmarks.parquet", index=False)
    run(root, counting)
    assert counting.detections == 2 * looks
    assert centres.keys() >= {"other"}


def test_boxes_between_detections_move_with_the_head_and_change_size_evenly():
    heads = np.array([[10.0 * i, 50 + i**2] for i in range(9)])
    heads[6] = np.nan

    def face(frame, half):
        return Face(np.float32([*(heads[frame] - half), *(heads[frame] + half)]), 1.0, np.zeros((5, 2), np.float32))

    boxes = follow({0: face(0, 10), 4: face(4, 20)}, heads, reach=3)
    assert list(boxes) == [0, 1, 2, 3, 4, 5, 7]
    np.testing.assert_allclose(boxes[2], [*(heads[2] - 15), *(heads[2] + 15)], atol=1e-4)
    np.testing.assert_allclose(boxes[7], [*(heads[7] - 20), *(heads[7] + 20)], atol=1e-4)
    assert follow({}, heads, reach=3) == {}


def test_an_empty_shard_gives_empty_tables(tmp_path, backend):
    pd.DataFrame(columns=["clip", "status", "reason"]).to_csv(tmp_path / "clips.csv", index=False)
    cuts(tmp_path, [])
    landmarks("x", np.zeros((0, 2))).to_parquet(tmp_path / "landmarks.parquet", index=False)
    (tmp_path / "stamp.json").write_text(json.dumps({"params": {}, "code": "1", "items": []}))
    run(tmp_path, backend)
    boxes = pd.read_parquet(tmp_path / "boxes.parquet")
    assert len(boxes) == 0
    assert boxes.frame.dtype == np.int32
    assert load_embeddings(tmp_path / "embeddings.safetensors") == {}


def test_the_dancers_of_all_shards_are_gathered(shard, tmp_path):
    root, _ = shard
    first = load_embeddings(root / "embeddings.safetensors")
    save_embeddings(tmp_path / "more.safetensors", {"third": first["other"]}, {})
    gather_dancers([root / "embeddings.safetensors", tmp_path / "more.safetensors"], tmp_path / "all.safetensors")
    found = load_embeddings(tmp_path / "all.safetensors")
    assert found.keys() == {"eileen", "other", "third"}
    assert distance(found["eileen"], first["eileen"]) == distance(found["third"], first["other"]) == 0
    gather_dancers([], tmp_path / "all.safetensors")
    assert load_embeddings(tmp_path / "all.safetensors") == {}


def test_the_heads_of_some_videos_are_those_with_a_picture_and_a_known_face(tmp_path):
    known = {clip: Embedding.of(np.ones(4)) for clip in ("a_000", "a_001", "b_000")}
    save_embeddings(tmp_path / "0000.safetensors", known, {})
    for clip in ("a_000", "b_000", "c_000"):
        (tmp_path / f"{clip}.png").touch()
    assert pictures_of(tmp_path / "0000.safetensors", tmp_path, ["a", "c"]) == {"a_000": tmp_path / "a_000.png"}


def test_each_of_a_group_has_a_face_of_their_own(backend, tmp_path):
    frames, left = scene(portrait(), (80, 160), bystander=None)
    others, right = scene(somebody_else(), (60, 60))
    frames[:, :, 140:] = others[:, :, :116]  # the other one walks 140 pixels farther right
    write_video(tmp_path / "clips/duet.mp4", frames, 16)
    pd.DataFrame({"clip": ["duet"], "status": "accepted", "reason": ""}).to_csv(tmp_path / "clips.csv", index=False)
    cuts(tmp_path, ["duet"])
    poses = pd.concat([landmarks("duet", left), landmarks("duet", right + np.array([140, 0])).assign(dancer=2)])
    poses.to_parquet(tmp_path / "landmarks.parquet", index=False)
    (tmp_path / "stamp.json").write_text(json.dumps({"params": {}, "code": "1", "items": []}))
    run(tmp_path, backend)
    found = load_embeddings(tmp_path / "embeddings.safetensors")
    assert sorted(found) == ["duet~1", "duet~2"]
    assert distance(found["duet~1"], found["duet~2"]) > 0.4
    boxes = pd.read_parquet(tmp_path / "boxes.parquet")
    assert sorted(set(boxes["dancer"])) == [1, 2]
    assert not (tmp_path / "dancers/duet.png").exists(), "it would be of one of them"
