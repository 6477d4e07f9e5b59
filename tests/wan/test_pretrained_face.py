"""The face branch of a model's folder comes back as it was, and refuses another recogniser's embeddings."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facedance.files import read_json, sha256
from facedance.job import InputError
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pretrained_face import load_face_branch, save_face_branch

EMBEDDING, DIM = 16, 24


def made() -> FaceBranch:
    torch.manual_seed(0)
    branch = FaceBranch(embedding_dim=EMBEDDING, dim=DIM, blocks=2, tokens=3, rank=4, width=8)
    with torch.no_grad():
        for tensor in branch.state_dict().values():
            tensor.uniform_(0.1, 0.5)
    return branch


def test_comes_back_with_its_buffers_in_float32(tmp_path: Path) -> None:
    branch = made()
    save_face_branch(branch, tmp_path / "face_branch", "dlib")
    loaded = load_face_branch(tmp_path / "face_branch", EMBEDDING)
    assert loaded is not None
    assert loaded.sizes == branch.sizes
    before, after = branch.state_dict(), loaded.state_dict()
    assert {"mean", "deviation"} <= before.keys()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name].half().float()) for name in before)
    assert {tensor.dtype for tensor in after.values()} == {torch.float32}
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    face = torch.nn.functional.normalize(torch.randn(1, 1, EMBEDDING), dim=-1)
    assert torch.allclose(loaded.tokens(face), branch.tokens(face), atol=0.02)


def test_is_half_precision_and_names_its_recogniser_on_disk(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        save_face_branch(made(), tmp_path / folder, "dlib")
    assert sha256(tmp_path / "one" / "model.safetensors") == sha256(tmp_path / "two" / "model.safetensors")
    assert {tensor.dtype for tensor in load_file(tmp_path / "one" / "model.safetensors").values()} == {torch.float16}
    sizes = {"embedding_dim": EMBEDDING, "dim": DIM, "blocks": 2, "tokens": 3, "rank": 4, "width": 8}
    assert read_json(tmp_path / "one" / "config.json") == {**sizes, "backend": "dlib"}


def test_other_embeddings_are_refused_with_what_to_do(tmp_path: Path) -> None:
    save_face_branch(made(), tmp_path, "dlib")
    with pytest.raises(InputError, match=r"dlib's embeddings of 16 numbers .* 512: set faces\.backend in params\.yaml to dlib"):
        load_face_branch(tmp_path, 512)
    assert load_face_branch(tmp_path) is not None


def test_a_model_need_not_have_one(tmp_path: Path) -> None:
    assert load_face_branch(tmp_path / "face_branch") is None
