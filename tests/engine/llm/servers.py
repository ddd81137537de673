"""HTTP servers on loopback that speak the wire formats of model servers, and break as told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

Reply = Callable[[socket.socket], None]
"""Answers one request, whose head and body were read."""


class Server:
    """Answers one request after the other with the next reply; the last one goes on for ever."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.hung_up = threading.Event()
        """Set when a client went away in the midst of an answer."""

        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """Base URL, without a path."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Answer no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else accept would take one more
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._take(client)

    def _take(self, client: socket.socket) -> None:
        with client:
            request = _read(client)
            if request is None:
                return
            self.requests.append(request)
            try:
                self._next(request[2])(client)
            except OSError:
                self.hung_up.set()

    def _next(self, _asked: Any) -> Reply:
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class Oracle(Server):
    """Speaks as Ollama does, to several at once, and answers by the step that asks.

    A step's next reply is a text, or a reply as :class:`Server` has it; the last one stays. What
    has none is answered with the step's name; a review that is to give a verdict approves.
    """

    def __init__(self) -> None:
        self.replies: dict[str, list[str | Reply]] = {}
        super().__init__()

    def asked(self, step: str) -> list[str]:
        """The questions of a step, system and user message in one, in order."""
        bodies = [body for _line, _head, body in self.requests if body]
        return [
            "\n".join(turn["content"] for turn in body["messages"])
            for body in bodies
            if _step_of(body) == step
        ]

    @property
    def order(self) -> list[str]:
        """Steps in the order in which they asked."""
        return [_step_of(body) for _line, _head, body in self.requests if body]

    def _take(self, client: socket.socket) -> None:
        threading.Thread(target=super()._take, args=(client,), daemon=True).start()

    def _next(self, asked: Any) -> Reply:
        step = _step_of(asked)
        left = self.replies.setdefault(step, [f"Answer of {step}.{_verdict(asked)}"])
        reply = left.pop(0) if len(left) > 1 else left[0]
        if not isinstance(reply, str):
            return reply
        return stream(*ollama(reply[:20], reply[20:], prompt_eval_count=100, eval_count=10))


def _step_of(body: Any) -> str:
    """The step that asks: ``# Your step: NAME`` stands in its first question."""
    first = next(turn for turn in body["messages"] if turn["role"] == "user")
    return str(first["content"].rpartition("# Your step: ")[2].partition("\n")[0])


def _verdict(body: Any) -> str:
    """The verdict, where one is asked for."""
    asked = any("VERDICT: approve\n" in turn["content"] for turn in body["messages"])
    return "\n\nVERDICT: approve" if asked else ""


def _read(client: socket.socket) -> tuple[str, dict[str, str], Any] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += client.recv(65536)
    return first, headers, json.loads(body) if body else None


def status(code: int, body: str = "", **headers: str) -> Reply:
    """A status with a body."""

    def reply(client: socket.socket) -> None:
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = (
            f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
        )
        client.sendall(head.encode() + body.encode())

    return reply


def stream(*pieces: bytes, ends: bool = True, head: bytes = b"") -> Reply:
    """Pieces as chunks (RFC 9112, 7.1); without ``ends`` the last one is cut in its middle.

    ``head`` is more lines of the head, each with its end.
    """

    def reply(client: socket.socket) -> None:
        client.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
            + head
            + b"\r\n"
        )
        data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        for at in range(0, len(data), 1 << 16):
            client.sendall(data[at : at + (1 << 16)])
        client.sendall(b"0\r\n\r\n" if ends else b"ff\r\nhalf")

    return reply


def stall(*pieces: bytes) -> Reply:
    """Pieces as chunks, then nothing, until the client goes away."""

    def reply(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        if client.recv(1) == b"":
            raise OSError("the client went away")

    return reply


def drip(piece: bytes, seconds: float = 0.1) -> Reply:
    """The same piece over and over, some time between two, until the client goes away."""

    def reply(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.settimeout(seconds)
        while True:
            client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            with contextlib.suppress(TimeoutError):
                if client.recv(1) == b"":
                    raise OSError("the client went away")

    return reply


def silence(client: socket.socket) -> None:
    """Not even a head."""
    if client.recv(1) == b"":
        raise OSError("the client went away")


def ollama(*texts: str, **last: Any) -> Iterator[bytes]:
    """Lines of Ollama's ``/api/chat``."""
    for text in texts:
        message = {"role": "assistant", "content": text}
        yield json.dumps({"model": "m", "message": message, "done": False}).encode() + b"\n"
    end = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, **last}
    yield json.dumps(end).encode() + b"\n"


def openai(
    *texts: str, finish: str = "stop", usage: dict[str, Any] | None = None
) -> Iterator[bytes]:
    """Events of OpenAI's ``/chat/completions``, with comments as OpenRouter sends them."""
    yield b": OPENROUTER PROCESSING\n\n"
    for text in texts:
        piece = {"model": "m", "choices": [{"delta": {"content": text}, "finish_reason": None}]}
        yield b"data: " + json.dumps(piece).encode() + b"\n\n"
    end = {"model": "m", "choices": [{"delta": {}, "finish_reason": finish}], "usage": usage}
    yield b"data: " + json.dumps(end).encode() + b"\r\n\r\n"
    yield b"data: [DONE]\n\n"
