"""One request: a server that hangs or floods keeps nobody."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from engine.notify import http
from engine.notify.outcome import Result


@contextlib.contextmanager
def slow_server(begin: bytes, piece: bytes) -> Iterator[str]:
    """A server that answers with a beginning, then a piece every now and then, for ever."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _address = server.accept()
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(begin)
                while not done.wait(0.02):
                    client.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    ("begin", "result"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", Result.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", Result.SENT),
    ],
)
def test_a_server_that_sends_a_byte_now_and_then_is_left(
    begin: bytes, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    with slow_server(begin, b"a") as url:
        assert http.post(url, json={}).result is result


def test_of_an_answer_only_the_beginning_is_read() -> None:
    with slow_server(b"HTTP/1.1 400 No\r\nContent-Length: 10000000000\r\n\r\n", b"a" * 9000) as url:
        outcome = http.post(url, json={})

    assert outcome.result is Result.FAILED
    assert len(outcome.error) < 250
