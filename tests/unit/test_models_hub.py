"""Snapshots of the hub: what is taken, and what is said when it cannot be had. The hub is on this machine."""

import errno
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from facedance.job import InputError
from facedance.models import hub
from facedance.models.hub import fetch_snapshot

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_WANTED = {
    "model_index.json": b"{}",
    "scheduler/scheduler_config.json": b"{}",
    "tokenizer/spiece.model": b"tokens",
    "transformer/diffusion_pytorch_model.safetensors": b"weights",
}
_OTHERS = {"README.md": b"read me", "vae/diffusion_pytorch_model.bin": b"pickle", "assets/picture.png": b"png"}


class _Hub(BaseHTTPRequestHandler):
    """The few answers of the hub's API that a snapshot needs."""

    def _answer(self, content, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self):
        files = self.server.files
        path = self.path.split("?")[0]
        if path.startswith("/api/") and self.server.error:
            status, code = self.server.error
            self._answer(b"{}", status, **({"X-Error-Code": code} if code else {}))
        elif "/revision/" in path:
            siblings = [{"rfilename": name} for name in files]
            self._answer(json.dumps({"id": "some/model", "sha": _COMMIT, "siblings": siblings}).encode())
        elif "/tree/" in path:
            tree = [{"type": "file", "path": n, "size": len(c), "oid": hashlib.sha1(c).hexdigest()} for n, c in files.items()]
            self._answer(json.dumps(tree).encode())
        else:
            name = path.split(f"/resolve/{_COMMIT}/")[-1]
            content = files[name]
            if self.command == "GET":
                self.server.fetched.append(name)
            self._answer(content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=_COMMIT)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    # Tests run offline as far as the real hub is concerned.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        server.files, server.error, server.fetched = _WANTED | _OTHERS, None, []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_only_what_diffusers_needs_is_fetched_and_no_pickle(server, tmp_path):
    fetch_snapshot("some/model", "main", tmp_path, endpoint=server.url)
    assert _files(tmp_path) == _WANTED
    assert set(server.fetched) == set(_WANTED)


def test_a_repository_in_another_layout_is_refused(server, tmp_path):
    server.files = _OTHERS
    with pytest.raises(InputError, match=r"no model_index\.json"):
        fetch_snapshot("some/model", "main", tmp_path, endpoint=server.url)
    assert server.fetched == []


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, None, "answered 401 .*HF_TOKEN"),
        (403, "GatedRepo", "asks for consent"),
        (403, None, "answered 403 .*HF_TOKEN"),
        (404, "RepoNotFound", "does not exist"),
        (404, "RevisionNotFound", "no revision 'v9'"),
    ],
)
def test_each_refusal_of_the_hub_is_one_sentence(server, tmp_path, status, code, sentence):
    server.error = status, code
    with pytest.raises(InputError, match=sentence):
        fetch_snapshot("some/model", "v9", tmp_path, endpoint=server.url)


def test_a_partly_fetched_folder_does_not_pass_for_whole_without_network(server, tmp_path):
    (tmp_path / "model_index.json").write_bytes(b"{}")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as closed:
        port = closed.server_port
    with pytest.raises(InputError, match="cannot be reached"):
        fetch_snapshot("some/model", "main", tmp_path, endpoint=f"http://127.0.0.1:{port}")


def test_a_full_disk_is_one_sentence(server, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub, "snapshot_download", full)
    with pytest.raises(InputError, match=r"disk is full .*GB free"):
        fetch_snapshot("some/model", "main", tmp_path, endpoint=server.url)
