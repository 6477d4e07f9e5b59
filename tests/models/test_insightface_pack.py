"""Packs of ONNX networks: resumed, unpacked without harm, and refused in one sentence. The server is on this machine."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from facedance.job import InputError
from facedance.models.insightface_pack import fetch_insightface_pack


def _pack(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


class _Server(ThreadingHTTPServer):
    """Serves `content` with ranges; a connection breaks after `limit` bytes."""

    content = b""
    limit = None
    ranges: list

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Releases(BaseHTTPRequestHandler):
    def do_GET(self):
        content, asked = self.server.content, self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path != "/buffalo_l.zip":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _Server(("127.0.0.1", 0), _Releases) as server:
        server.ranges = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_only_the_networks_are_kept(server, tmp_path, caplog):
    server.content = _pack({"buffalo_l/det.onnx": b"detector", "rec.onnx": b"recogniser", "README.txt": b"", "run.pkl": b""})
    with caplog.at_level("INFO"):
        fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"det.onnx": b"detector", "rec.onnx": b"recogniser"}
    assert "non-commercial research only" in caplog.text


def test_nothing_is_written_outside_the_folder(server, tmp_path):
    server.content = _pack({"../../escaped.onnx": b"1", "/absolute.onnx": b"2", "..\\back.onnx": b"3", "ok.onnx": b"4"})
    fetch_insightface_pack("buffalo_l", tmp_path / "a" / "b", server.url)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == [
        "a/b/absolute.onnx",
        "a/b/escaped.onnx",
        "a/b/ok.onnx",
    ]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.content = _pack({"det.onnx": bytes(range(256)) * 100})
    server.limit = 10_000
    with pytest.raises(InputError, match=rf"broke off after 10000 of {len(server.content)} bytes"):
        fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert not list(tmp_path.glob("*.onnx"))
    server.limit = None
    fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert server.ranges == [None, "bytes=10000-"]
    assert [p.name for p in tmp_path.iterdir()] == ["det.onnx"]
    assert (tmp_path / "det.onnx").read_bytes() == bytes(range(256)) * 100


def test_a_download_that_was_whole_already_is_not_repeated(server, tmp_path):
    server.content = _pack({"det.onnx": b"detector"})
    (tmp_path / ".buffalo_l.zip.part").write_bytes(server.content)
    fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert (tmp_path / "det.onnx").read_bytes() == b"detector"


def test_a_damaged_archive_is_refused_and_fetched_anew(server, tmp_path):
    whole = _pack({"det.onnx": b"detector"})
    server.content = whole[: len(whole) // 2]
    with pytest.raises(InputError, match="no whole zip archive"):
        fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert list(tmp_path.iterdir()) == []
    server.content = whole
    fetch_insightface_pack("buffalo_l", tmp_path, server.url)


def test_damage_inside_the_archive_leaves_no_network(server, tmp_path):
    server.content = _pack({"det.onnx": b"detector"}).replace(b"detector", b"Detector", 1)
    with pytest.raises(InputError, match="no whole zip archive"):
        fetch_insightface_pack("buffalo_l", tmp_path, server.url)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_networks_is_refused(server, tmp_path):
    server.content = _pack({"README.txt": b"nothing here"})
    with pytest.raises(InputError, match=r"holds no \.onnx file"):
        fetch_insightface_pack("buffalo_l", tmp_path, server.url)


def test_an_unknown_pack_is_one_sentence(server, tmp_path):
    with pytest.raises(InputError, match=r"answered 404 .*insightface_model"):
        fetch_insightface_pack("buffalo_xl", tmp_path, server.url)


def test_no_network_is_one_sentence(server, tmp_path):
    with _Server(("127.0.0.1", 0), _Releases) as closed:
        url = closed.url
    with pytest.raises(InputError, match=r"cannot be reached .*check the network"):
        fetch_insightface_pack("buffalo_l", tmp_path, url)
