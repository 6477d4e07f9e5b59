"""What a folder of weights holds is written down, and a damaged file is found and named."""

import hashlib

import pytest

from facedance.files import read_json
from facedance.job import InputError
from facedance.models.manifest import FileFacts, check_file, write_manifest

CONTENTS = {"model_index.json": b"{}", "vae/weights.safetensors": b"weights"}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "vae").mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".lock").write_text("of no interest")
    write_manifest(tmp_path)
    return tmp_path


def test_the_manifest_has_the_size_and_digest_of_every_visible_file(model):
    assert read_json(model / "manifest.json")["files"] == {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in CONTENTS.items()
    }


def test_writing_again_changes_nothing(model):
    before = (model / "manifest.json").read_bytes()
    write_manifest(model)
    assert (model / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("content", [b"weigh", b"Weights"])
def test_a_damaged_file_is_named_with_advice(model, content):
    weights = model / "vae" / "weights.safetensors"
    facts = FileFacts.of(weights)
    check_file(weights, facts, "fetch it anew")
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"vae/weights\.safetensors is damaged .*: fetch it anew"):
        check_file(weights, facts, "fetch it anew")


def test_a_missing_file_is_named_with_advice(model):
    with pytest.raises(InputError, match=r"vae/other\.safetensors is missing: fetch it anew"):
        check_file(model / "vae" / "other.safetensors", FileFacts(1, ""), "fetch it anew")
