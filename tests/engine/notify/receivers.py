"""Receivers on loopback: an HTTP server that keeps what it is sent, and one for mail."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


Answer = Callable[[Request], tuple[int, dict[str, str], str]]


@dataclass
class Sink:
    """An HTTP server: what came, and what it answers."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answer: Answer = lambda _request: (200, {}, "ok")
    delay: threading.Event | None = None
    """Where it is set, no answer comes before this is."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])


@contextlib.contextmanager
def http_sink() -> Iterator[Sink]:
    """A server while the block runs."""
    sink: Sink

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path, headers, body)
            sink.requests.append(request)
            if sink.delay is not None:
                sink.delay.wait(30)
                return
            code, headers, text = sink.answer(request)
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink = Sink(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        if sink.delay is not None:
            sink.delay.set()
        server.shutdown()
        server.server_close()


def wait_for(done: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)
