"""A daemon that systemd started: what it tells, and what it logs of itself."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from engine.daemon import Daemon
from engine.settings import Settings


@pytest.mark.slow
def test_a_daemon_tells_its_manager_how_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify")
    settings = Settings(workspace=tmp_path / "ws")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        daemon = Daemon(settings, lambda: settings)
        running = threading.Thread(target=daemon.run)
        running.start()
        told = [manager.recv(4096).partition(b"\n")[0] for _ in range(2)]
        daemon.reload()
        daemon.stop()
        while told[-1] != b"STOPPING=1":
            told.append(manager.recv(4096).partition(b"\n")[0])
        running.join(30)

    assert told[:2] == [b"READY=1", b"WATCHDOG=1"]
    rest = [each for each in told[2:] if each != b"WATCHDOG=1"]
    assert rest == [b"RELOADING=1", b"READY=1", b"STOPPING=1"]
    started, *_, stops = (settings.workspace / "espdeck.log").read_text().splitlines()
    assert "espdeck.daemon" in started and "started by systemd: espdeck " in started
    assert stops.endswith(": stops")
