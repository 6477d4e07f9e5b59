"""The sample world: photos that are of use and photos that are not, dances with known joints, keypoints in AIST++'s format."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from facedance.aist.names import parse
from facedance.config.sections import Sample
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import Embedding, distance
from facedance.poses.pickled import read_pickled
from facedance.poses.skeleton import COCO
from facedance.sample import portrait
from facedance.sample.catalogue import KEYPOINT_SEQUENCES, PHOTOS, UPRIGHT, VIDEOS
from facedance.sample.dancer import Camera, dancer, draw, empty_room
from facedance.sample.group import Stage, draw_group, perform_group, ways_of_group
from facedance.sample.head import Head
from facedance.sample.keypoints import write_keypoints2d
from facedance.sample.motion import BEATS_PER_KEY, VOCABULARY, Body, Key, choreograph, perform
from facedance.sample.music import RATE, synthesise
from facedance.sample.person import person
from facedance.sample.photos import make_photos
from facedance.sample.traits import Traits, generator, traits_of
from facedance.sample.videos import make_video, tempo
from facedance.video.sound import read_sound
from facedance.video.times import inspect

SAMPLE = Sample(enabled=True, seed=0, identities=("eileen", "nora"), seconds=2.0, width=320, height=180, fps=20)
DANCERS = [name.split("_")[3] for name in VIDEOS]


@pytest.fixture(scope="module")
def backend():
    spec = importlib.util.find_spec("face_recognition_models")
    return DlibBackend(Path(spec.submodule_search_locations[0]) / "models")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The folders of two identities."""
    folder = tmp_path_factory.mktemp("photos")
    for identity in SAMPLE.identities:
        make_photos(folder / identity, identity, 0, folder / f"{identity}.json")
    return {identity: folder / identity for identity in SAMPLE.identities}


@pytest.fixture(scope="module")
def faces(photos, backend):
    """Of each identity, the embedding of the largest face of every photo that can be opened; None where there is no face."""
    found = {identity: {} for identity in photos}
    for identity, folder in photos.items():
        for name in PHOTOS:
            try:
                picture = np.array(ImageOps.exif_transpose(Image.open(folder / name)).convert("RGB"))
            except OSError:
                continue
            seen = [face for face in backend.detect(picture, 48) if face.score >= 0]
            found[identity][name] = backend.embed(picture, seen[0]) if seen else None
    return found


@pytest.fixture(scope="module")
def dance(tmp_path_factory):
    """A short video of the first dance and its ground truth."""
    folder = tmp_path_factory.mktemp("dance")
    make_video(VIDEOS[0], SAMPLE, folder / "dance.mp4", folder / "dance.parquet")
    return folder


def _mean(embeddings):
    return Embedding.of(np.mean([e.raw for e in embeddings], axis=0))


def _own(faces_of_one):
    """The embeddings that are near the medoid, and the names of the other photos that show a face."""
    seen = {name: e for name, e in faces_of_one.items() if e is not None}
    medoid = min(seen.values(), key=lambda e: sum(distance(e, other) for other in seen.values()))
    own = {name: e for name, e in seen.items() if distance(e, medoid) < 0.55}
    return own, set(seen) - set(own)


def test_the_catalogue_loads_nothing_heavy():
    code = "import sys, facedance.sample.catalogue; print('numpy' in sys.modules, 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"


def test_the_catalogue_is_of_different_dances_and_its_sequences_are_among_them():
    parts = [parse(name) for name in VIDEOS]
    for column in ("genre", "dancer", "music"):
        assert len({getattr(part, column) for part in parts}) == len(VIDEOS)
    assert sum(part.situation == "sGR" for part in parts) == 1
    assert sum(name.startswith("gBR") for name in VIDEOS) == 1
    assert {name.replace("cAll", "c01") for name in KEYPOINT_SEQUENCES} < set(VIDEOS)


def test_photos_come_in_the_formats_that_people_have(photos):
    for folder in photos.values():
        assert {path.name for path in folder.iterdir()} == set(PHOTOS)
        opened = {name: Image.open(folder / name) for name in PHOTOS}
        modes = [opened[name].mode for name in PHOTOS]
        assert modes.count("RGBA") == 1
        assert modes.count("L") == 1
        turned = [name for name in PHOTOS if opened[name].getexif().get(0x0112, 1) != 1]
        assert len(turned) == 1
        assert opened[turned[0]].size == (480, 640)
        assert ImageOps.exif_transpose(opened[turned[0]]).size == (640, 480)
    assert any(" " in name and not name.isascii() for name in PHOTOS)


def test_one_photo_is_broken_one_shows_nobody_and_one_somebody_else(photos, faces):
    for identity, folder in photos.items():
        broken = set(PHOTOS) - set(faces[identity])
        assert len(broken) == 1
        with pytest.raises((OSError, UnidentifiedImageError)):
            Image.open(folder / broken.pop()).load()
        assert list(faces[identity].values()).count(None) == 1
        own, others = _own(faces[identity])
        assert (len(own), len(others)) == (9, 1)
        assert distance(faces[identity][others.pop()], _mean(own.values())) > 0.7


def test_photos_of_one_person_agree_and_people_differ(faces):
    own = {identity: _own(found)[0].values() for identity, found in faces.items()}
    for embeddings in own.values():
        assert max(distance(e, _mean(embeddings)) for e in embeddings) < 0.3
    assert distance(_mean(own["eileen"]), _mean(own["nora"])) > 0.65


def test_equal_name_and_seed_give_equal_photos_and_another_name_gives_others(photos, tmp_path):
    make_photos(tmp_path / "again", "nora", 0, tmp_path / "again.json")
    make_photos(tmp_path / "mia", "mia", 0, tmp_path / "mia.json")
    for name in PHOTOS:
        expected = (photos["nora"] / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == expected
        assert (tmp_path / "mia" / name).read_bytes() != expected


def test_eileen_is_the_portrait_itself_and_drawn_people_depend_on_name_and_seed():
    np.testing.assert_array_equal(person(traits_of("eileen", 5)).image, portrait.load())
    assert traits_of("mia", 0) != traits_of("mia", 1)
    assert traits_of("mia", 0) != traits_of("max", 0)
    assert traits_of("nora", 0) == traits_of("nora", 1)  # chosen to differ from the dancers, so the same for every seed


def test_the_features_of_a_warped_face_are_where_the_warped_picture_shows_them():
    wide = person(Traits(eye_spacing=8.0, hair_volume=0.9))
    plain = person(Traits(hair_volume=0.9))
    for eye, side in zip(portrait.EYES, (-1, 1), strict=True):
        x, y = plain.features[eye].mean(0).round().astype(int)
        patch = plain.image[y - 7 : y + 8, x - 12 : x + 13]
        around = wide.image[y - 14 : y + 15, x - 30 : x + 31]
        _, _, _, best = cv2.minMaxLoc(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED))
        assert best[0] - 18 == pytest.approx(side * 8, abs=1.5)


def test_bones_keep_their_lengths_and_feet_stay_on_or_above_the_floor():
    body = Body()
    beats = np.linspace(0, 30, 600)
    for genre in ("gBR", "gPO", "gLH", "gHO", "gJS", "gKR", "gWA"):
        joints = perform(choreograph(genre, 8, generator(genre, 0)), beats, body).joints
        for side in ("left", "right"):
            for a, b, length in [
                ("hip", "knee", body.leg / 2),
                ("knee", "ankle", body.leg / 2),
                ("shoulder", "elbow", body.arm / 2),
                ("elbow", "wrist", body.arm / 2),
            ]:
                bones = np.linalg.norm(joints[f"{side}_{a}"] - joints[f"{side}_{b}"], axis=1)
                np.testing.assert_allclose(bones, length, rtol=1e-6)
            assert (joints[f"{side}_ankle"][:, 1] > body.ankle - 1e-6).all()
            assert np.ptp(joints[f"{side}_wrist"], axis=0).max() > 0.2  # the arms dance


def test_key_poses_are_reached_on_the_beat_and_a_mirrored_dance_is_the_mirror_image():
    keys = [Key(), Key(place=0.3, left_hand=(0.9, 0.3, 0.1), turn=10, head_turn=15), Key(right_foot=(0.6, 0.2, 0.2)), Key()]
    beats = BEATS_PER_KEY * np.linspace(0, 3, 31)
    there = perform(keys, beats, Body())
    back = perform([key.mirrored() for key in keys], beats, Body())
    assert there.head_turn[10] == pytest.approx(15 + 10 / 2)
    for joint in ("wrist", "elbow", "shoulder", "hip", "knee", "ankle"):
        np.testing.assert_allclose(there.joints[f"left_{joint}"], back.joints[f"right_{joint}"] * [-1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(there.head_turn, -back.head_turn, atol=1e-9)


@pytest.mark.parametrize(("turn", "tilt", "nod"), [(0, 0, 0), (20, 0, 0), (-18, 9, 6), (0, -10, -8)])
def test_the_nose_is_drawn_where_it_is_said_to_be(turn, tilt, nod):
    eileen = person(Traits())
    marked = eileen.image.copy()
    x, y = np.array(portrait.FEATURES[portrait.NOSE_TIP])
    cv2.circle(marked, (round(x), round(y)), 3, (0, 255, 0), -1)
    head = Head(replace(eileen, image=marked), 160)
    picture = np.full((300, 300, 3), 200, np.uint8)
    chin = np.array([150.0, 220.0])
    head.paint(picture, chin, turn, tilt, nod)
    rows, columns = np.nonzero(picture[..., 1].astype(int) - picture[..., 0] > 120)
    nose = head.features(chin, turn, tilt, nod)[0]
    np.testing.assert_allclose([columns.mean(), rows.mean()], nose, atol=1.0)


def test_dancers_differ_in_face_and_looks():
    people = [dancer(name, 0) for name in DANCERS]
    assert len({p.top for p in people}) == len(people)
    assert len({p.body for p in people}) == len(people)
    assert len({p.face.image.tobytes() for p in people}) == len(people)


def test_dancers_faces_are_told_apart_in_a_small_picture(backend):
    camera = Camera(640, 360)
    looks = []
    for name in DANCERS:
        who = dancer(name, 0)
        skeleton = perform([Key(), Key(), Key()], np.array([0.5, 1.0]), who.body)
        picture, _ = draw(who, Head(who.face, who.body.head * camera.scale), skeleton, 0, camera, empty_room(who, camera))
        top = np.ascontiguousarray(cv2.resize(picture[:170, 200:440], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA))
        faces = backend.detect(top, 36)
        assert faces, name
        looks.append(backend.embed(top, faces[0]))
    pairs = [distance(a, b) for i, a in enumerate(looks) for b in looks[:i]]
    assert min(pairs) > 0.5


def test_a_video_has_its_frames_its_sound_and_a_row_for_each_joint(dance):
    info = inspect(dance / "dance.mp4")
    assert (info.width, info.height, len(info.timestamps)) == (320, 180, 40)
    assert info.timestamps[1] == pytest.approx(1 / 20, abs=1e-4)
    table = pd.read_parquet(dance / "dance.parquet")
    assert list(table.columns) == ["video", "dancer", "frame", "joint", "x", "y", "visible"]
    assert len(table) == 40 * 17
    assert set(table["dancer"]) == {1}
    assert set(table["video"]) == {VIDEOS[0]}
    assert list(table["joint"][:17]) == list(COCO)
    assert (table["frame"].to_numpy() == np.repeat(np.arange(40), 17)).all()
    assert table["x"].between(0, 319).all()
    assert table["y"].between(0, 179).all()


def test_joints_lie_on_the_dancer_and_the_dancers_left_is_at_the_viewers_right():
    camera = Camera(320, 180)
    green = np.full((180, 320, 3), (0, 255, 0), np.uint8)
    for video, name in zip(VIDEOS, DANCERS, strict=True):
        who = dancer(name, 0)
        head = Head(who.face, who.body.head * camera.scale)
        skeleton = perform(choreograph(video[:3], 4, generator(video, 0)), np.linspace(0, 15, 25), who.body)
        for frame in range(25):
            picture, joints = draw(who, head, skeleton, frame, camera, green)
            x, y = joints.round().astype(int).T
            assert not np.all(picture[y, x][:, [0, 2]] == 0, axis=1).any()  # the room has no red and no blue, even in the shadow
            for joint in ("shoulder", "hip", "eye"):
                assert joints[COCO.index(f"left_{joint}"), 0] > joints[COCO.index(f"right_{joint}"), 0]


def test_equal_parameters_give_equal_bytes(dance, tmp_path):
    make_video(VIDEOS[0], SAMPLE, tmp_path / "dance.mp4", tmp_path / "dance.parquet")
    for name in ("dance.mp4", "dance.parquet"):
        assert (tmp_path / name).read_bytes() == (dance / name).read_bytes()


def test_the_music_beats_in_the_tempo_that_its_name_gives(dance):
    assert [tempo("mBR0"), tempo("mPO5"), tempo("mHO0"), tempo("mHO5")] == [80, 130, 110, 135]
    sound = synthesise(6.0, 120, np.random.default_rng(0))
    drum = cv2.GaussianBlur(np.abs(sound.astype(np.float32))[None], (0, 0), RATE * 0.01)[0]
    beat, between = ([drum[round((i + at) * RATE / 2)] for i in range(1, 11)] for at in (0.05, 0.4))
    assert min(beat) > 2 * max(between)
    heard = read_sound(dance / "dance.mp4", 0.0, 2.0).samples
    assert np.abs(heard).max() > 0.2


def test_keypoints_are_the_ground_truth_in_full_hd_for_the_camera_that_saw_it(dance, tmp_path):
    write_keypoints2d(dance / "dance.parquet", tmp_path / "a.pkl", SAMPLE)
    content = read_pickled(tmp_path / "a.pkl")
    keypoints, scores, timestamps = content["keypoints2d"], content["det_scores"], content["timestamps"]
    assert (keypoints.shape, scores.shape, timestamps.shape) == ((9, 120, 17, 3), (9, 120), (120,))
    assert (timestamps[1], timestamps[60]) == (16667, 1000000)
    assert np.isnan(keypoints[1:, ..., :2]).all()
    assert not keypoints[1:, ..., 2].any()
    assert not scores[1:].any()
    truth = pd.read_parquet(dance / "dance.parquet")[["x", "y"]].to_numpy().reshape(40, 17, 2) * 6
    noise = keypoints[0, ::3, :, :2] - truth  # 20 frames a second are every third of 60
    assert abs(noise.mean()) < 0.3
    assert noise.std() == pytest.approx(2, abs=0.15)
    write_keypoints2d(dance / "dance.parquet", tmp_path / "b.pkl", SAMPLE)
    assert (tmp_path / "a.pkl").read_bytes() == (tmp_path / "b.pkl").read_bytes()


def test_one_video_is_upright(tmp_path):
    short = SAMPLE.model_copy(update={"seconds": 2.0, "fps": 16})
    make_video(UPRIGHT[0], short, tmp_path / "dance.mp4", tmp_path / "dance.parquet")
    info, table = inspect(tmp_path / "dance.mp4"), pd.read_parquet(tmp_path / "dance.parquet")
    assert (info.width, info.height) == (180, 320)
    tall = table.groupby("frame")["y"].agg(np.ptp)
    assert tall.min() > 0.5 * 320
    assert table["visible"].mean() > 0.9


# A group


def _trio(frames=48):
    stage = Stage(320, 180, frames, 16)
    people = [dancer(name, 0) for name in ("d02", "d04", "d20")]
    return stage, perform_group(people, VOCABULARY["gBR"], stage, 110, np.random.default_rng(1))


def test_those_of_a_group_exchange_their_places_in_view_or_leave_and_come_back():
    stage = Stage(320, 180, 480, 16)
    for count in (2, 3):
        ways = np.stack([ways_of_group(count, stage, np.random.default_rng(seed)) for seed in range(8)])  # (S, P, T)
        assert np.abs(np.diff(ways, axis=-1)).max() < 0.12, "nobody jumps"
        orders = np.argsort(ways, axis=1)
        assert (orders[:, :, 0] != orders[:, :, 200]).any(axis=1).mean() > 0.3
        assert (np.abs(ways) > 0.6).any(axis=(1, 2)).mean() > 0.3


def test_who_is_nearer_hides_who_is_farther():
    stage, performers = _trio()
    room = np.full((stage.height, stage.width, 3), (0, 255, 0), np.uint8)
    both, joints = draw_group(performers, 0, room)
    nearest, own = draw_group(performers[-1:], 0, room)
    np.testing.assert_array_equal(joints[-1], own[0])
    x, y = own[0][5:].round().astype(int).T  # the head's edge is soft
    np.testing.assert_array_equal(both[y, x], nearest[y, x])
    assert performers[0].cameras[0].scale < performers[-1].cameras[0].scale


def test_a_group_has_a_row_for_each_joint_of_each_dancer_from_left_to_right(tmp_path):
    short = SAMPLE.model_copy(update={"fps": 16})
    make_video("gHO_sGR_c01_d20_d21_mHO1_ch01", short, tmp_path / "duet.mp4", tmp_path / "duet.parquet")
    table = pd.read_parquet(tmp_path / "duet.parquet")
    assert len(table) == 2 * 32 * 17
    first = table[(table["frame"] == 0) & (table["joint"] == "nose")].set_index("dancer")["x"]
    assert first[1] < first[2]
    assert len(inspect(tmp_path / "duet.mp4").timestamps) == 32
