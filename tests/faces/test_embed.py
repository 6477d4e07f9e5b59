"""From a folder of photos to an identity."""

import os
import re
import time

import cv2
import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image

from facedance import workers
from facedance.config.sections import Faces
from facedance.faces import embed as faces_embed
from facedance.faces.backend import open_backend
from facedance.faces.embed import embed_photos
from facedance.faces.embedding import distance, load_embeddings
from facedance.faces.identity import embed_identity
from facedance.faces.photos import load_photo
from facedance.job import InputError
from facedance.names import shown
from tests.faces.people import dlib_folder, mirrored, portrait, same_person_photos, scaled, somebody_else, tilted

PARAMS = Faces(
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


@pytest.fixture(scope="module")
def backend():
    return open_backend("dlib", dlib_folder())


def save(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / name, "png")
    return sorted(folder.iterdir())


def embed(photos, backend, folder, **changes):
    """The table of the photos, which are joined to an identity beside it."""
    params, table = PARAMS.model_copy(update=changes), folder / "photos.csv"
    embed_photos("eileen", "public-domain", {shown(path.name): path for path in photos}, params, backend, folder)
    embed_identity("eileen", "public-domain", table, folder / "photos.safetensors", params, folder / "embedding.safetensors")
    return pd.read_csv(table, keep_default_na=False).set_index("photo")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, backend):
    """Good photos with ordinary names, and one of everything that is to be rejected."""
    root = tmp_path_factory.mktemp("mixed")
    photos = root / "photos"
    good = dict(zip(["a.png", "b b.png", 'c"q".png', "d,comma.png", "é.png", "f\nline.png"], same_person_photos(), strict=False))
    bad = {
        "x-faceless.png": np.asarray(skimage.data.coffee()),
        "x-other.png": somebody_else(),
        "x-small.png": scaled(portrait(), 0.45),
        "x-two.png": np.hstack([portrait(), mirrored(portrait())]),
        "x-soft.png": cv2.GaussianBlur(portrait(), (0, 0), 3),
        "z-again.png": portrait(),
    }
    save(photos, good | bad)
    (photos / os.fsdecode(b"x-\xff.jpg")).write_bytes(b"\xff\xd8\xff\xe0 damaged")
    table = embed(sorted(photos.iterdir()), backend, root / "faces")
    return root, good, table


def test_each_photo_is_told_with_its_fate(mixed):
    _, good, table = mixed
    measured = ["face_px", "sharpness", "score", "yaw", "pitch", "roll", "turn", "distance", "weight"]
    assert table.columns.tolist() == ["status", "reason", *measured]
    assert set(table.index[table.status == "accepted"]) == set(good)
    assert (table.reason[list(good)] == "").all()
    assert table.weight[list(good)].astype(float).sum() == pytest.approx(1, abs=1e-3)
    for name, reason in {
        "x-faceless.png": "no face: none was found",
        "x-other.png": "somebody else: distance 0.",
        "x-small.png": "face too small: ",
        "x-two.png": "several faces: 2 faces of similar size",
        "x-soft.png": "blurred: sharpness ",
        "z-again.png": "duplicate: same content as a.png",
        "x-\\udcff.jpg": "damaged image: ",
    }.items():
        assert table.status[name] == "rejected"
        assert table.reason[name].startswith(reason), table.reason[name]
    assert float(table.distance["x-other.png"]) > PARAMS.outlier_distance > table.distance[list(good)].astype(float).max()
    assert table.sharpness["x-soft.png"] != ""
    assert table.weight["x-other.png"] == ""


def test_the_identity_is_like_its_photos_and_unlike_somebody_else(mixed, backend):
    root, good, _ = mixed
    together = load_embeddings(root / "faces/embedding.safetensors")["embedding"]
    each = load_embeddings(root / "faces/photos.safetensors")
    assert each.keys() == good.keys()
    assert np.linalg.norm(together.vector) == pytest.approx(1, abs=1e-6)
    assert max(distance(together, e) for e in each.values()) < 0.3
    other = backend.embed(somebody_else(), backend.detect(somebody_else(), 48)[0])
    assert distance(together, other) > 0.45


def test_pictures_of_the_identity(mixed):
    root, good, _ = mixed
    reference = np.asarray(Image.open(root / "faces/reference.png"))
    assert reference.shape == (512, 512, 3)
    assert (reference[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert reference[200:320, 200:320].std() > 20
    sheet = np.asarray(Image.open(root / "faces/crops.png"))
    assert len(good) == 6
    assert sheet.shape == (2 * 164 + 4, 5 * 164 + 4, 3)  # five in a row, framed in white
    assert (sheet[170:, 170:] == 255).all()
    assert (sheet[4:164, 4:164] != 255).any()


def test_equal_photos_give_equal_bytes(mixed, backend):
    root, _, _ = mixed
    embed(sorted((root / "photos").iterdir(), reverse=True), backend, root / "again")
    for file in (root / "faces").iterdir():
        assert file.read_bytes() == (root / "again" / file.name).read_bytes(), file.name


def test_too_few_photos_end_in_one_sentence_and_leave_the_table_and_no_identity(tmp_path, backend):
    photos = save(
        tmp_path / "photos", {"a.png": portrait(), "b.png": mirrored(portrait()), "c.png": np.asarray(skimage.data.coffee())}
    )
    (tmp_path / "photos/d.png").write_bytes(b"")
    expected = r"eileen: 2 of 4 photos can be used and 3 are needed \(1 no face, 1 empty file\): add sharp photos"
    with pytest.raises(InputError, match=expected) as caught:
        embed([*photos, tmp_path / "photos/d.png"], backend, tmp_path / "faces")
    assert "\n" not in str(caught.value)
    assert {f.name for f in (tmp_path / "faces").iterdir()} == {"photos.csv", "photos.safetensors", "reference.png", "crops.png"}
    assert load_embeddings(tmp_path / "faces/photos.safetensors").keys() == {"a.png", "b.png"}
    assert pd.read_csv(tmp_path / "faces/photos.csv").status.tolist() == ["accepted", "accepted", "rejected", "rejected"]
    with pytest.raises(InputError, match="0 of 0 photos can be used and 3 are needed: add"):
        embed([], backend, tmp_path / "empty")
    for file in ("reference.png", "crops.png"):
        assert (np.asarray(Image.open(tmp_path / "empty" / file)) == 255).all()


def test_two_equal_camps_are_no_identity(tmp_path, backend, caplog):
    other = somebody_else()
    images = {"a.png": portrait(), "b.png": mirrored(portrait()), "c.png": other, "d.png": mirrored(other)}
    photos = save(tmp_path / "photos", images)
    caplog.set_level("INFO", "facedance")
    with pytest.raises(InputError, match=r"0 of 4 photos can be used and 3 are needed \(4 no majority\)"):
        embed(photos, backend, tmp_path / "faces")
    assert caplog.text.count("no majority: 2 of 4") == 4
    reasons = pd.read_csv(tmp_path / "faces/photos.csv").reason
    assert set(reasons) == {"no majority: 2 of 4 photos show one person and the others somebody else"}


def test_many_photos_are_warned_about(tmp_path, backend, caplog):
    photos = []
    for i in range(21):
        photos.append(tmp_path / f"{i:02d}.jpg")
        photos[-1].write_bytes(b"nothing")
    with caplog.at_level("INFO", "facedance"), pytest.raises(InputError):
        embed(photos, backend, tmp_path / "faces")
    assert "21 photos are more than needed; 10 to 15 good ones give as much" in caplog.text
    assert "photo 21 of 21, 20.jpg: not an image" in caplog.text


def test_copies_of_a_photo_count_once_and_the_best_of_them(tmp_path, backend):
    photos = tmp_path / "photos"
    sharp = portrait()
    save(photos, {"a.png": mirrored(sharp), "b.png": tilted(sharp, 8), "best.png": sharp, "small.png": scaled(sharp, 0.8)})
    Image.fromarray(sharp).save(photos / "again.jpg", quality=60)
    Image.fromarray(scaled(sharp, 0.75)).save(photos / "messenger.jpg", quality=75)
    table = embed(sorted(photos.iterdir()), backend, tmp_path / "faces")
    assert table.index[table.status == "accepted"].tolist() == ["a.png", "b.png", "best.png"]
    for name in ("small.png", "again.jpg", "messenger.jpg"):
        assert table.reason[name] == "duplicate: the same photo as best.png"


def test_a_folder_of_hostile_files_ends_in_rows(tmp_path, backend):
    photos = tmp_path / "photos"
    save(photos, {"a.png": portrait(), "b.png": mirrored(portrait()), "c.png": tilted(portrait(), 8)})
    (photos / "folder.jpg").mkdir()
    (photos / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.jpg").write_text("a photo of mine")
    (photos / "cut.png").write_bytes((photos / "a.png").read_bytes()[:20000])
    (photos / "web.webp").write_bytes(b"RIFF\x20\0\0\0WEBPVP8 " + bytes(8))
    Image.new("RGB", (1, 1)).save(photos / "pixel.png")
    Image.new("RGB", (10000, 3)).save(photos / "ruler.png")
    Image.new("1", (30000, 30000)).save(photos / "bomb.png")
    table = embed(sorted(photos.iterdir()), backend, tmp_path / "faces", min_face_px=80)
    assert table.index[table.status == "accepted"].tolist() == ["a.png", "b.png", "c.png"]
    for name, reason in {
        "folder.jpg": "unreadable file: ",
        "gone.jpg": "unreadable file: ",
        "empty.jpg": "empty file: ",
        "text.jpg": "not an image: ",
        "cut.png": "damaged image: ",
        "web.webp": "damaged image|not an image",
        "pixel.png": "too small: 1 x 1 pixels are too few for a face",
        "ruler.png": "too small: 2048 x 1 pixels",
        "bomb.png": "too large: ",
    }.items():
        assert re.match(reason, table.reason[name]), table.reason[name]


def test_a_photo_that_ends_its_reader_is_a_row_and_the_others_go_on(tmp_path, backend, monkeypatch):
    def load(path):
        if path.name == "crash.png":
            os._exit(3)
        if path.name == "hang.png":
            time.sleep(60)
        return load_photo(path)

    monkeypatch.setattr(faces_embed, "load_photo", load)
    monkeypatch.setattr(workers, "STILL_S", 0.5)
    good = {"a.png": portrait(), "b.png": mirrored(portrait()), "z.png": tilted(portrait(), 8)}
    table = embed(
        save(tmp_path / "photos", good | {"crash.png": portrait(), "hang.png": portrait()}), backend, tmp_path / "faces"
    )
    assert table.index[table.status == "accepted"].tolist() == list(good)
    assert table.reason["crash.png"] == "damaged image: its reader crashed (exit 3)"
    assert table.reason["hang.png"] == "damaged image: its reader stood still for 0.5 s"
