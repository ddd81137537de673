"""The HTTP API served by the daemon: when the settings say so, tried again, never its end."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from engine import Engine, Settings, serving
from engine.serving import DaemonServer
from tests.waits import wait_for


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of the test."""
    path = tmp_path / "config.toml"
    path.touch(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    monkeypatch.setattr(serving, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0.06)
    return path


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    def load() -> Settings:
        return Settings.load(workspace=tmp_path / "lab")

    engine = Engine(load(), load)
    engine.open(execute=False)
    yield engine
    engine.close()


@pytest.fixture
def server(engine: Engine) -> Iterator[DaemonServer]:
    server = DaemonServer(engine)
    server.start()
    yield server
    server.close()


def url_of(server: DaemonServer) -> str:
    return str(server.status()["url"])


def test_it_follows_the_settings(engine: Engine, server: DaemonServer, settings: Path) -> None:
    assert server.status() == {"is_enabled": False, "url": "", "connections": 0, "problem": ""}
    settings.write_text("[server]\nenabled = true\nport = 0\n")
    engine.reload()
    wait_for(lambda: url_of(server) != "")
    first = url_of(server)
    with httpx.Client() as client:
        assert client.get(f"{first}/healthz").status_code == 200
        assert server.status()["connections"] == 1

    settings.write_text('[server]\nenabled = true\nport = 0\nhost = "::1"\n')
    engine.reload()
    wait_for(lambda: url_of(server).startswith("http://[::1]:"))
    assert httpx.get(f"{url_of(server)}/healthz").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(first)

    last = url_of(server)
    settings.write_text("")
    engine.reload()
    wait_for(lambda: url_of(server) == "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(last)


def test_a_port_in_use_is_told_once_and_tried_again(
    engine: Engine, server: DaemonServer, settings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        settings.write_text(f"[server]\nenabled = true\nport = {port}\n")
        engine.reload()
        wait_for(lambda: f"port {port} is in use by process" in server.status()["problem"])
        assert url_of(server) == ""
    wait_for(lambda: url_of(server) == f"http://127.0.0.1:{port}")
    assert server.status()["problem"] == ""
    said = [each for each in caplog.messages if "is not served" in each]
    assert len(said) == 1


def test_what_it_needs_and_is_not_there_is_told(
    engine: Engine, server: DaemonServer, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda _name: None)
    settings.write_text("[server]\nenabled = true\nport = 0\n")
    engine.reload()
    wait_for(lambda: "pip install 'espdeck[server]'" in server.status()["problem"])


def test_a_daemon_that_does_not_serve_loads_nothing_of_it() -> None:
    program = (
        "import sys, engine.daemon; print(*{'fastapi', 'uvicorn', 'starlette'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"\n"
