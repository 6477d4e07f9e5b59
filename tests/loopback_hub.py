"""A model hub on this machine: the answers of the Hugging Face hub's API that fetching needs, and its failures on demand."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OK, PARTIAL, NOT_FOUND = 200, 206, 404


class LoopbackHub(ThreadingHTTPServer):
    """Every repository that it is asked for holds `files`, at COMMIT."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files = files
        self.instead: dict[str, bytes] = {}
        """What is sent of a file, where that is not what is said of it."""
        self.error: tuple[int, str | None] | None = None
        """Status and code with which questions about a repository are refused."""
        self.cut_after: int | None = None
        """Bytes of a file after which a connection breaks."""
        self.sent: list[tuple[str, int]] = []
        """Name of each file that was sent, and the byte at which it began."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def fetched(self) -> set[str]:
        """Files that were sent, whole or in part."""
        return {name for name, _ in self.sent}


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[LoopbackHub]:
    """A hub while the block runs."""
    with LoopbackHub(files) as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class _Answer(BaseHTTPRequestHandler):
    server: LoopbackHub

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/") and self.server.error:
            status, code = self.server.error
            self._answer(b"{}", status, {"X-Error-Code": code} if code else {})
        elif "/revision/" in path:
            siblings = [_described(name, content) for name, content in self.server.files.items()]
            self._answer(json.dumps({"id": "some/model", "sha": COMMIT, "siblings": siblings}).encode())
        elif "/tree/" in path:
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in self.server.files.items()
            ]
            self._answer(json.dumps(tree).encode())
        else:
            self._file(path.split(f"/resolve/{COMMIT}/")[-1])

    do_HEAD = do_GET

    def _file(self, name: str) -> None:
        content = self.server.files.get(name)
        if content is None:
            self._answer(b"", NOT_FOUND)
            return
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if self.command == "HEAD":
            self._answer(content, OK, headers)
            return
        content = self.server.instead.get(name, content)
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.server.sent.append((name, start))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._answer(content[start:], PARTIAL if start else OK, headers)

    def _answer(self, content: bytes, status: int = OK, headers: dict[str, Any] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(content[: self.server.cut_after])
        if self.server.cut_after is not None and len(content) > self.server.cut_after:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


def _described(name: str, content: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
    if name.endswith(".safetensors"):
        facts["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return facts
