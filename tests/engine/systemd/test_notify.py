"""What systemd is told, as it reads it from its socket."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.systemd.notify import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd has one, and what it writes into NOTIFY_SOCKET."""
    path = f"@espdeck-test-{os.getpid()}-{time.monotonic_ns()}"
    if request.param == "path":
        path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{path[1:]}" if path.startswith("@") else path)
        line.settimeout(10)
        yield line, path


def test_what_a_daemon_tells(manager: tuple[socket.socket, str]) -> None:
    line, address = manager
    environ = {"NOTIFY_SOCKET": address, "PATH": "/bin"}
    told = ServiceManager(environ)
    assert environ == {"PATH": "/bin"}
    assert told.listens

    told.ready()
    told.ready("2 builds")
    told.status("builds\nREADY=1 blink\x1b[2J")
    told.watchdog()
    told.stopping()
    assert [line.recv(4096).decode() for _ in range(5)] == [
        "READY=1",
        "READY=1\nSTATUS=2 builds",
        r"STATUS=builds\nREADY=1 blink\x1b[2J",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_reload_tells_when(manager: tuple[socket.socket, str]) -> None:
    line, address = manager
    before = time.monotonic_ns() // 1000

    ServiceManager({"NOTIFY_SOCKET": address}).reloading()

    found = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", line.recv(4096))
    assert found is not None
    assert before <= int(found[1]) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("address", ["", "notify", "vsock:2:1234", "/nowhere/at/all", "/a" * 200])
def test_where_nobody_listens_nothing_is_told(address: str) -> None:
    told = ServiceManager({"NOTIFY_SOCKET": address} if address else {})
    told.ready("x")
    told.stopping()


def test_a_manager_that_does_not_read_keeps_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.systemd.notify._SEND_SECONDS", 0.01)
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(path)
        told = ServiceManager({"NOTIFY_SOCKET": path})
        queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
        for _ in range(min(queue, 20) + 3):
            told.watchdog()
        assert line.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "9" * 30}, None),
    ],
)
def test_how_often_a_watchdog_wants_to_hear(environ: dict[str, str], interval: float) -> None:
    assert ServiceManager(environ).watchdog_interval == interval
    assert environ == {}
