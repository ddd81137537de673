"""Stores that speak less of S3 than Amazon's: one of them, as particular as all of them."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from engine.artifact_settings import ArtifactStoreSettings
from engine.artifacts.object_store import MissingObjectError, ObjectStore
from engine.cancel import CancelToken
from engine.store.artifacts import Content

DATA = b"firmware" * 1000
CONTENT = Content(hashlib.sha256(DATA).hexdigest(), len(DATA))


class PlainStore(BaseHTTPRequestHandler):
    """Refuses what Backblaze's, Google's, Alibaba's and Ceph's refuse or refused.

    ``x-amz-checksum-*`` (iterate-ch/cyberduck#16107), conditional writes (tobi/walgit#67), a body
    whose length is not told, and deleting many at once (POST).
    """

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    refused: ClassVar[list[str]] = []

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        """Keep an object."""
        names = {name.lower() for name in self.headers}
        length = int(self.headers.get("content-length", "0"))
        data = self.rfile.read(length)
        unknown = {name for name in names if name.startswith("x-amz-checksum")}
        if unknown or names & {"if-none-match", "if-match", "transfer-encoding"}:
            self._refuse()
            return
        self.objects[self.path] = data
        self._answer(200)

    def do_GET(self) -> None:
        """Give an object."""
        data = self.objects.get(self.path)
        self._answer(404 if data is None else 200, data or b"")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        """Delete an object."""
        self.objects.pop(self.path, None)
        self._answer(204)

    def do_POST(self) -> None:
        """Not known here."""
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self._refuse()

    def _refuse(self) -> None:
        self.refused.append(f"{self.command} {self.path}")
        self._answer(501, b"<Error><Code>NotImplemented</Code></Error>")

    def _answer(self, status: int, data: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"')
        self.send_header("Last-Modified", "Mon, 02 Mar 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlainStore)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_no_more_is_asked_of_a_store_than_all_can_do(endpoint: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    reached = {"endpoint": endpoint, "region": "auto", "access_key": "a", "secret_key": "b"}
    store = ObjectStore("s3://lab/fw", ArtifactStoreSettings.model_validate(reached), "lab", {})
    cancel, got = CancelToken(), io.BytesIO()

    store.put(CONTENT, path, cancel)
    store.read(CONTENT, got, cancel)
    store.delete(CONTENT.sha256, cancel)

    assert got.getvalue() == DATA
    assert PlainStore.refused == []
    with pytest.raises(MissingObjectError):
        store.read(CONTENT, io.BytesIO(), cancel)
