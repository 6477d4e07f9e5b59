"""What portraits become, and which are left out."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import torch
from safetensors.torch import load_file

from facedance.config.params import load
from facedance.config.sections import Faces, Poses
from facedance.face_branch import portraits
from facedance.face_branch.portraits import (
    PartFiles,
    Portrait,
    encode_part,
    head_window,
    list_people,
    require_licence,
    without_strangers,
)
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face
from facedance.job import InputError
from facedance.train.window import window_side
from lab.tiny.model import LATENT_CHANNELS, SPATIAL_FACTOR
from tests.faces.people import dlib_folder, portrait, somebody_else
from tests.test_structure import ROOT
from tests.train.training_world import WAN, D

FACES = Faces(min_face_px=36, min_sharpness=0)
MODELS = load(ROOT / "params.yaml").models


def embedded(first: float) -> Embedding:
    return Embedding.of(np.array([first, 1.0, *np.zeros(D - 2)]))


def test_where_every_portrait_is_used_nothing_is_left_out(tmp_path):
    pd.DataFrame([{"portrait": "ann/1.jpg", "person": "ann", "status": "accepted", "reason": ""}]).to_csv(tmp_path / "0.csv")
    list_people([tmp_path / "0.csv"], tmp_path / "people.csv")
    assert pd.read_csv(tmp_path / "people.csv")["portrait"].tolist() == ["ann/1.jpg"]


def test_windows_have_the_faces_of_renders():
    sides = {name: window_side(model) for name, model in MODELS.items()}
    assert sides["tiny"] == 80
    assert sides["wan2.1-vace-1.3b"] == 320
    assert all(side % 16 == 0 and side <= min(MODELS[name].sizes[0]) for name, side in sides.items())


def test_the_face_is_in_the_window():
    wan = MODELS["tiny"]
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[120:180, 130:180] = 200
    points = np.array([[170.0, 130], [160, 130], [140, 130], [150, 130], [155, 160]], np.float32)
    face = Face(np.array([130, 120, 180, 180], np.float32), 1.0, points)
    nobody = SimpleNamespace(detect=lambda image: np.zeros((0, 33, 4), np.float32))
    window = head_window(photo, face, nobody, wan, Poses())
    assert window.image.shape == window.control.shape == (160, 160, 3)
    x0, y0, x1, y1 = window.box
    assert y1 - y0 == pytest.approx(38.4, abs=0.1)
    assert not window.control.any()
    seen = window.image.mean(2) > 100
    rows, columns = np.nonzero(seen)
    assert np.allclose(window.box * 2, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], atol=2)
    assert (window.landmarks > [x0, y0]).all()
    assert (window.landmarks < [x1, y1]).all()


def test_somebody_else_in_a_person_s_folder_is_left_out():
    looked = [Portrait(f"ann/{n}.jpg", "", {}, None, embedded(first)) for n, first in enumerate((0.0, 0.1, 9.0, 0.2))]
    looked += [Portrait("bob.jpg", "", {}, None, embedded(5.0)), Portrait("cay/1.jpg", "no face: none", {})]
    looked += [Portrait(f"dan/{n}.jpg", "", {}, None, embedded(first)) for n, first in enumerate((0.0, 9.0))]
    reasons = {p.name: p.reason.partition(":")[0] for p in without_strangers(looked, 0.55)}
    assert {name for name, reason in reasons.items() if not reason} == {"ann/0.jpg", "ann/1.jpg", "ann/3.jpg", "bob.jpg"}
    assert reasons["ann/2.jpg"] == "somebody else"
    assert reasons["dan/0.jpg"] == reasons["dan/1.jpg"] == "no majority"
    assert reasons["cay/1.jpg"] == "no face"


def test_damaged_and_faceless_files_have_a_row_with_the_reason(people, tmp_path, pose_model):
    good = {"ann/1.png": portrait(), "ann/2.png": np.ascontiguousarray(portrait()[:, ::-1]), "bob.png": somebody_else()}
    bad = {"empty.jpg": b"", "text.jpg": b"no picture", "nobody.png": None}
    for name, picture in good.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PIL.Image.fromarray(picture).save(tmp_path / name)
    for name, content in bad.items():
        if content is None:
            PIL.Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(tmp_path / name)
        else:
            (tmp_path / name).write_bytes(content)
    parts = tmp_path / "parts"
    files = PartFiles({n: tmp_path / n for n in (*good, *bad)}, pose_model, parts / "0000.csv", parts / "0000.safetensors")
    encode_part(files, people / "model", WAN, DlibBackend(dlib_folder()), FACES, Poses())
    (parts / "0001.safetensors").write_bytes(b"of a part that is no more")
    list_people([files.table], tmp_path / "people.csv")
    assert {path.name for path in parts.iterdir()} == {"0000.csv", "0000.safetensors"}
    rows = pd.read_csv(tmp_path / "people.csv", keep_default_na=False).set_index("portrait")
    assert rows.index.tolist() == sorted((*good, *bad))
    assert (rows.loc[[*good], "status"] == "accepted").all()
    assert rows["person"].tolist() == ["ann", "ann", "bob.png", "empty.jpg", "nobody.png", "text.jpg"]
    kinds = rows.loc[[*bad], "reason"].str.partition(":")[0].tolist()
    assert kinds == ["empty file", "not an image", "no face"]
    tensors = load_file(files.latents)
    latent = window_side(WAN) // SPATIAL_FACTOR
    assert tensors["video"].shape == tensors["reactive"].shape == (3, LATENT_CHANNELS, 1, latent, latent)
    assert tensors["mask"].shape == (SPATIAL_FACTOR**2, 1, latent, latent)
    assert tensors["embedding"].shape == (3, D)


def test_a_full_gpu_is_answered_with_what_to_do(people, tmp_path, pose_model, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(portraits, "load_vae", full)
    files = PartFiles({}, pose_model, tmp_path / "0000.csv", tmp_path / "0000.safetensors")
    with pytest.raises(InputError, match=rf"the GPU has no room .* --cores all {files.latents};"):
        encode_part(files, people / "model", WAN, DlibBackend(dlib_folder()), FACES, Poses())


def test_no_portrait_at_all_is_said_with_the_reasons(tmp_path):
    pd.DataFrame({"portrait": ["a"], "person": ["a"], "status": ["rejected"], "reason": ["no face: x"]}).to_csv(
        tmp_path / "0.csv"
    )
    with pytest.raises(InputError, match=r"none of the 1 portraits in data/people can be used \(1 no face\)"):
        list_people([tmp_path / "0.csv"], tmp_path / "people.csv")


def test_without_a_licence_nothing_is_opened():
    require_licence("CC BY 4.0")
    with pytest.raises(InputError, match=r"face_branch\.licence is empty"):
        require_licence(" ")
