"""An engine with boards that is served, clients with tokens, and a board that a test plays."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from engine import Engine, Settings
from engine.enums import Scope
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.server.readers import SseReader


class ServedLab:
    """An engine that is served; it executes nothing."""

    def __init__(self, workspace: Path, boards: Sequence[str] = (), **settings: Any) -> None:
        self.engine = Engine(
            Settings(
                workspace=workspace,
                boards=tuple(boards),
                server=ServerSettings(port=0),
                **settings,
            )
        )
        self.engine.open(execute=False)
        self.server = HttpServer(self.engine)
        self.server.start()
        self._clients = contextlib.ExitStack()

    def token(self, name: str, scope: Scope) -> str:
        return self.engine.access.create_token(name, scope)[0]

    def client(self, name: str, scope: Scope = Scope.FLASH, **options: Any) -> httpx.Client:
        client = httpx.Client(
            base_url=f"{self.server.url}/api/v1",
            headers={"Authorization": f"Bearer {self.token(name, scope)}"},
            timeout=60.0,
            **options,
        )
        self._clients.callback(client.close)
        return client

    def close(self) -> None:
        self._clients.close()
        self.server.stop()
        self.engine.close()


@contextlib.contextmanager
def served(workspace: Path, boards: Sequence[str] = (), **settings: Any) -> Iterator[ServedLab]:
    lab = ServedLab(workspace, boards, **settings)
    try:
        yield lab
    finally:
        lab.close()


class PlayedBoard:
    """A board behind a ``socket://`` URL; a test says what it says."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._changed = threading.Condition()
        self._lines: list[socket.socket] = []
        self.opened = 0
        self.typed = b""
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    def say(self, data: bytes) -> None:
        """Say something, once somebody listens."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._lines, 20)
            line = self._lines[-1]
        line.sendall(data)

    def wait_for_typed(self, text: bytes) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.typed, 20), self.typed

    def wait_for_openings(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.opened >= number, 20), self.opened

    def wait_until_let_go(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._lines, 20)

    def unplug(self) -> None:
        with self._changed:
            lines = list(self._lines)
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def plug(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with self._changed:
                self._lines.append(line)
                self.opened += 1
                self._changed.notify_all()
            threading.Thread(target=self._read, args=(line,), daemon=True).start()

    def _read(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := line.recv(4096):
                with self._changed:
                    self.typed += data
                    self._changed.notify_all()
        with self._changed:
            self._lines.remove(line)
            self._changed.notify_all()
        line.close()


@contextlib.contextmanager
def events(client: httpx.Client, path: str, **options: Any) -> Iterator[EventReader]:
    """The events of a stream, while the block runs."""
    with client.stream("GET", path, **options) as response:
        assert response.status_code == 200, response.read()
        yield EventReader(response)


class EventReader(SseReader):
    """Reads server-sent events as they come, each as its name and what it says."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.iter_lines())
        self.response = response

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        deadline = time.monotonic() + 30
        with contextlib.suppress(EOFError):
            while True:
                message = self.next()
                assert time.monotonic() < deadline, "nothing of interest for too long"
                yield message.event, message.data

    def until(self, text: str, name: str = "") -> list[tuple[str, dict[str, Any]]]:
        """Everything up to an event in which a text is found."""
        found = []
        for each, data in self:
            found.append((each, data))
            if name in ("", each) and text in json.dumps(data):
                return found
        raise AssertionError(f"the stream ended: {found}")

    def lines(self, last: str) -> list[str]:
        """Texts of lines up to one."""
        return [data["text"] for name, data in self.until(last, "line") if name == "line"]
