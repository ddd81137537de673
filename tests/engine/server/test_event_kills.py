"""Readers of events while servers and writers are killed: nothing twice, nothing lost."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings, StreamFilter
from engine.enums import Scope
from engine.events import Problem
from tests.engine.server.readers import LastingReader, kept_events, up_to
from tests.waits import wait_for

_AGAIN_SECONDS = 0.02
PROBLEMS = frozenset({"problem"})

Child = Callable[..., "subprocess.Popen[str]"]


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
        LastingReader(
            f"http://127.0.0.1:{port}", token, by_websocket=number % 2 == 1, type="problem"
        )
        for number in range(4)
    ]
    for reader in readers:
        reader.start()

    def wait_for_more(count: int) -> None:
        wanted = {reader: len(reader.events) + count for reader in readers}
        wait_for(lambda: all(len(each.events) >= wanted[each] for each in readers), 30)

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

    wait_for(lambda: all(each.has("last") for each in readers), 30)
    for reader in readers:
        reader.is_done = True
    expected = up_to("last", kept_events(engine, StreamFilter(types=PROBLEMS)))
    for reader in readers:
        assert up_to("last", reader.events) == expected
        assert reader.resyncs == 0
        assert reader.times_cut_off >= 2
    engine.close()
