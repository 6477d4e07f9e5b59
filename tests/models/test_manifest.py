"""Damage to a folder of weights is found and named."""

import pytest

from facedance.job import InputError
from facedance.models.manifest import check_manifest, write_manifest


@pytest.fixture
def model(tmp_path):
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "weights.safetensors").write_bytes(b"weights")
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / ".lock").write_text("of no interest")
    write_manifest(tmp_path)
    return tmp_path


def test_a_whole_folder_passes_whatever_hidden_files_it_has(model):
    (model / ".lock").unlink()
    check_manifest(model)


@pytest.mark.parametrize("content", [b"weigh", b"Weights"])
def test_a_damaged_file_is_named(model, content):
    (model / "vae" / "weights.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"vae/weights\.safetensors is damaged"):
        check_manifest(model)


def test_a_missing_file_is_named(model):
    (model / "vae" / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"vae/weights\.safetensors is missing"):
        check_manifest(model)


def test_without_a_manifest_the_model_is_not_whole(model):
    (model / "manifest.json").unlink()
    with pytest.raises(InputError, match="no whole model"):
        check_manifest(model)


def test_writing_again_changes_nothing(model):
    before = (model / "manifest.json").read_bytes()
    write_manifest(model)
    assert (model / "manifest.json").read_bytes() == before
