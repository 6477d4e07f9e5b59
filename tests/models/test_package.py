"""dlib's weights come out of the installed package."""

import importlib.util
from importlib.machinery import ModuleSpec

import dlib
import pytest

from facedance.job import InputError
from facedance.models.package import LANDMARKS, RECOGNISER, copy_dlib_weights


def test_dlib_opens_the_copied_weights(tmp_path):
    copy_dlib_weights(tmp_path)
    dlib.shape_predictor(str(tmp_path / LANDMARKS))
    dlib.face_recognition_model_v1(str(tmp_path / RECOGNISER))


def test_a_damaged_package_is_refused(tmp_path, monkeypatch):
    (tmp_path / "package" / "models").mkdir(parents=True)
    (tmp_path / "package" / "models" / LANDMARKS).write_bytes(b"short")
    spec = ModuleSpec("face_recognition_models", None)
    spec.submodule_search_locations = [str(tmp_path / "package")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match=r"5 bytes instead of 9150489.*install face_recognition_models again"):
        copy_dlib_weights(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install face_recognition_models"):
        copy_dlib_weights(tmp_path)
