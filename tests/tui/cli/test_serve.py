"""``espdeck serve``: what it prints, what it refuses, and its end."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from engine import Engine, Settings, serving
from engine.daemon_start import start_daemon, stop_daemon
from engine.enums import Scope
from tests.tui.commands import Here, Shell
from tests.waits import wait_for


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of the test."""
    path = tmp_path / "config.toml"
    path.touch(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@pytest.fixture
def here(workspace: Path) -> Here:
    return Here(workspace)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_it_is_told_to_end(workspace: Path, number: signal.Signals) -> None:
    if number is signal.SIGTERM:
        engine = Engine(Settings(workspace=workspace))
        engine.open(execute=False)
        engine.access.create_token("ci", Scope.READ)
        engine.close()
    with Shell(workspace).start("serve", "--port", "0") as running:
        line = running.stdout.readline()
        found = re.fullmatch(rf"serves {workspace} at (http://127\.0\.0\.1:\d+); .*\n", line)
        assert found, line
        assert running.stdout.readline() == f"documents: {found[1]}/docs\n"
        if number is not signal.SIGTERM:
            assert "espdeck token create" in running.stdout.readline()
        assert httpx.get(f"{found[1]}/healthz").status_code == 200
        with httpx.stream("GET", f"{found[1]}/healthz"):
            running.send_signal(number)
            assert running.wait(30) == 0
        assert running.stdout.read() == ""


def test_a_port_in_use_and_a_wrong_one_are_told(here: Here) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1 port {port} is in use" in here.refuses("serve", "--port", str(port))
    assert "--port must be a number from 0 to 65535" in here.refuses("serve", "--port", "65536")


def test_beyond_this_machine_is_refused(here: Here) -> None:
    line = here.refuses("serve", "--host", "0.0.0.0", "--port", "0")
    assert "needs a token (espdeck token create) and TLS" in line


def test_without_the_extra_the_line_names_it(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda _name: None)
    assert "pip install 'espdeck[server]'" in here.refuses("serve", "--port", "0")


@pytest.mark.slow
def test_a_daemon_that_serves_is_named(here: Here, workspace: Path, settings: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings.write_text(f"[server]\nenabled = true\nport = {port}\n")
    pid = start_daemon(workspace)
    try:
        wait_for(
            lambda: f"at http://127.0.0.1:{port}, connections: 0" in here.says("daemon", "status")
        )
        assert here.refuses("serve") == (
            f"the daemon (process {pid}) serves this workspace already: http://127.0.0.1:{port}"
        )
    finally:
        stop_daemon(workspace)
