"""Readers of events while servers and writers are killed: nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from engine import Engine, Settings, StreamFilter
from engine.enums import Scope
from engine.events import Problem
from tests.engine.server.readers import sse
from tests.waits import wait_for

_AGAIN_SECONDS = 0.02

Child = Callable[..., "subprocess.Popen[str]"]


class Reader(threading.Thread):
    """Reads problems, and comes again whenever it is cut off, with the id that it had last."""

    def __init__(self, url: str, token: str, *, by_websocket: bool) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._read = self._read_websocket if by_websocket else self._read_sse
        self.last_id = "0"
        self.seen: list[str] = []
        self.resyncs = 0
        self.times_cut_off = 0
        self.is_done = False

    def run(self) -> None:
        while not self.is_done:
            with contextlib.suppress(httpx.HTTPError, EOFError, OSError, WebSocketException):
                self._read()
            self.times_cut_off += 1
            time.sleep(_AGAIN_SECONDS)

    def _take(self, message: dict[str, str]) -> None:
        self.last_id = message.get("id", self.last_id)
        if message["type"] == "problem":
            self.seen.append(message["message"])
        elif message["type"] in ("resync", "lagged"):
            self.resyncs += 1

    def _read_sse(self) -> None:
        with (
            httpx.Client(base_url=self._url, headers=self._headers, timeout=30) as client,
            sse(client, "/api/v1/events", self.last_id, type="problem") as stream,
        ):
            while not self.is_done:
                self._take(stream.next().data)

    def _read_websocket(self) -> None:
        url = self._url.replace("http", "ws", 1) + "/api/v1/ws"
        with connect(
            f"{url}?type=problem&last_event_id={self.last_id}",
            additional_headers=self._headers,
            proxy=None,
        ) as ws:
            while not self.is_done:
                self._take(json.loads(ws.recv(timeout=30)))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Child]:
    """A function that starts a child of :mod:`tests.engine.server.event_child`."""
    children: list[subprocess.Popen[str]] = []

    def start_one(what: str, *numbers: int) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.engine.server.event_child"),
                *(what, str(tmp_path / "lab"), *map(str, numbers)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        if what == "serve":
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        return child

    yield start_one
    for child in children:
        child.kill()
        child.communicate()


def kept(engine: Engine) -> list[str]:
    """Problems that the store has, in order."""
    chosen = StreamFilter(types=frozenset({"problem"}))
    reader = engine.stream.subscribe(chosen, lambda _readers: None, "0")
    found: list[str] = []
    while (items := reader.read()) or reader.reads_store:
        found += [json.loads(item.text)["message"] for item in items]
    reader.close()
    return found


@pytest.mark.slow
def test_readers_miss_nothing_and_get_nothing_twice_when_processes_are_killed(
    start: Child, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = Engine(Settings(workspace=tmp_path / "lab"))
    engine.open(execute=False)
    token, _ = engine.access.create_token("readers", Scope.READ)
    server = start("serve", port)
    readers = [
        Reader(f"http://127.0.0.1:{port}", token, by_websocket=number % 2 == 1)
        for number in range(4)
    ]
    for reader in readers:
        reader.start()

    def wait_for_more(count: int) -> None:
        wanted = {reader: len(reader.seen) + count for reader in readers}
        wait_for(lambda: all(len(each.seen) >= wanted[each] for each in readers), 30)

    start("write", 0, 100_000)
    doomed = start("write", 100_000, 100_000)
    for _ in range(2):
        wait_for_more(50)
        server.kill()
        server.wait()
        time.sleep(_AGAIN_SECONDS)
        server = start("serve", port)
    wait_for_more(50)
    doomed.kill()
    wait_for_more(50)
    engine.events.publish(Problem(message="last"))

    wait_for(lambda: all("last" in each.seen for each in readers), 30)
    for reader in readers:
        reader.is_done = True
    expected = kept(engine)
    for reader in readers:
        seen = reader.seen[: reader.seen.index("last") + 1]
        assert seen == expected[: expected.index("last") + 1]
        assert reader.resyncs == 0
        assert reader.times_cut_off >= 2
    engine.close()
