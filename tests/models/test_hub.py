"""Models and LoRAs of the hub: what is taken, and what is said when it cannot be had. The hub is on this machine."""

import errno

import pytest

from facedance.job import InputError
from facedance.models import hub
from facedance.models.hub import Source, fetch_file, fetch_snapshot
from tests.loopback_hub import LoopbackHub, serving

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
WANTED = {
    "model_index.json": b"{}",
    "scheduler/scheduler_config.json": b"{}",
    "tokenizer/spiece.model": b"tokens",
    WEIGHTS: bytes(range(256)) * 40,
    "text_encoder/model-00001-of-00001.safetensors": b"text",
    "vae/diffusion_pytorch_model.safetensors": b"pictures",
}
OTHERS = {"README.md": b"read me", "vae/diffusion_pytorch_model.bin": b"pickle", "assets/picture.png": b"png"}


@pytest.fixture
def server(monkeypatch):
    # Tests run offline as far as the real hub is concerned.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(WANTED | OTHERS) as server:
        yield server


def source(server, revision="main"):
    return Source("some/model", revision, "models.mine", endpoint=server.url)


def files(folder):
    """All but what is kept to resume."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def test_only_what_diffusers_needs_is_fetched_and_no_pickle(server, tmp_path):
    fetch_snapshot(source(server), tmp_path)
    assert files(tmp_path) == WANTED
    assert server.fetched == set(WANTED)


def test_files_of_an_earlier_source_are_removed(server, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}")
    folder = tmp_path / "model"
    for name in ("vae/diffusion_pytorch_model.safetensors.index.json", "face_branch/card.json"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("{}")
    (folder / "model_index.json").symlink_to(elsewhere)
    fetch_snapshot(source(server), folder)
    assert files(folder) == {**WANTED, "face_branch/card.json": b"{}"}
    assert elsewhere.read_text() == "{}"


def test_a_repository_in_another_layout_is_refused(server, tmp_path):
    server.files = OTHERS
    with pytest.raises(InputError, match=r"no model_index\.json.* as models\.mine\.repo"):
        fetch_snapshot(source(server), tmp_path)
    assert not server.sent


def test_weights_that_are_pickles_only_are_refused_and_the_alternative_is_named(server, tmp_path):
    del server.files["vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(InputError, match=r"_model\.bin in some/model is a pickle, .*safetensors.* as models\.mine\.repo"):
        fetch_snapshot(source(server), tmp_path)
    del server.files["vae/diffusion_pytorch_model.bin"]
    with pytest.raises(InputError, match="no safetensors in vae"):
        fetch_snapshot(source(server), tmp_path)
    assert not server.sent


REFUSALS = [
    (401, None, "answered 401 .*HF_TOKEN"),
    (403, "GatedRepo", "asks for consent"),
    (403, None, "answered 403 .*HF_TOKEN"),
    (404, "RepoNotFound", "does not exist"),
    (404, "RevisionNotFound", "no revision 'v9'"),
    (500, None, "answered 500 .*later"),
]


@pytest.mark.parametrize(("status", "code", "sentence"), REFUSALS)
def test_each_refusal_of_the_hub_is_one_sentence(server, tmp_path, status, code, sentence):
    server.error = status, code
    with pytest.raises(InputError, match=sentence):
        fetch_snapshot(source(server, "v9"), tmp_path)
    with pytest.raises(InputError, match=sentence):
        fetch_file(source(server, "v9"), WEIGHTS, tmp_path / "lora.safetensors")
    assert files(tmp_path) == {}


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server.cut_after = 4000
    fetch_snapshot(source(server), tmp_path)
    assert files(tmp_path) == WANTED
    starts = [start for name, start in server.sent if name == WEIGHTS]
    assert len(starts) > 1
    assert starts == sorted(set(starts)), "each piece begins where the one before it ended, or in its last chunk"


def test_a_file_of_another_size_or_content_is_refused_and_removed(server, tmp_path):
    for wrong in (WANTED[WEIGHTS][:-1], bytes(len(WANTED[WEIGHTS]))):
        server.instead = {WEIGHTS: wrong}
        with pytest.raises(InputError, match=r"did not arrive .*: start again"):
            fetch_snapshot(source(server), tmp_path)
        assert WEIGHTS not in files(tmp_path)
    server.instead = {}
    fetch_snapshot(source(server), tmp_path)
    assert files(tmp_path) == WANTED


def test_a_partly_fetched_folder_does_not_pass_for_whole_without_network(server, tmp_path):
    (tmp_path / "model_index.json").write_bytes(b"{}")
    with LoopbackHub({}) as closed:
        gone = source(closed)
    with pytest.raises(InputError, match="cannot be reached"):
        fetch_snapshot(gone, tmp_path)


def test_a_full_disk_is_one_sentence(server, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub, "snapshot_download", full)
    with pytest.raises(InputError, match=r"disk is full .*GB free"):
        fetch_snapshot(source(server), tmp_path)


def test_a_single_file_is_fetched_alone(server, tmp_path):
    fetch_file(source(server), WEIGHTS, tmp_path / "loras" / "fast.safetensors")
    assert files(tmp_path) == {"loras/fast.safetensors": WANTED[WEIGHTS]}
    assert [path.name for path in (tmp_path / "loras").iterdir()] == ["fast.safetensors"]
    assert server.fetched == {WEIGHTS}


def test_a_file_that_is_not_there_is_named_with_those_that_are(server, tmp_path):
    known = ", ".join(sorted(name for name in WANTED if name.endswith(".safetensors")))
    with pytest.raises(InputError, match=rf"no file 'slow\.safetensors': correct models\.mine\.file; there are {known}$"):
        fetch_file(source(server), "slow.safetensors", tmp_path / "lora.safetensors")
