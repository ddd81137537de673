"""The Python clients and ``espdeck --remote`` below a path of nginx, with an own certificate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import ApiError, AsyncClient, Client, ConsoleSocket, Engine, LabEvent, Settings
from engine.enums import Scope
from engine.events import Problem
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.server.behind_nginx import behind_nginx
from tests.engine.server.certificates import authority
from tests.engine.server.lab import PlayedBoard
from tui.cli.main import cli

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("is_stripped", [False, True])
def test_a_lab_below_a_path(
    tmp_path: Path, is_stripped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Engine] = []
    board = PlayedBoard()

    @contextlib.contextmanager
    def serve(public_url: str) -> Iterator[HttpServer]:
        server = ServerSettings(port=0, public_url=public_url)
        settings = Settings(workspace=tmp_path / "lab", boards=(board.url,), server=server)
        with Engine(settings) as engine:
            opened.append(engine)
            http = HttpServer(engine)
            http.start()
            yield http
            http.stop()

    trusted = authority(tmp_path)
    with behind_nginx(tmp_path, serve, is_stripped=is_stripped) as url:
        (engine,) = opened
        token, _ = engine.access.create_token("ci", Scope.FLASH)
        with Client(url, token=token, verify=trusted) as client:
            assert client.version().api == "v1"
            assert list(client.builds()) == []
            events = client.events(after=client.last_event_id())
            engine.events.publish(Problem(message="seen"))
            seen = next(events)
            assert isinstance(seen, LabEvent)
            assert seen.body["message"] == "seen"
            with ConsoleSocket(client, board.url) as console:
                assert "reading" in getattr(next(iter(console)), "text", "")
                console.send(b"help\r")
                board.wait_for_typed(b"help\r")
        with Client(url, token=token) as client, pytest.raises(ApiError, match="not trusted"):
            client.version()
        with Client(url, token=token) as client, pytest.raises(ApiError, match="not trusted"):
            ConsoleSocket(client, board.url)

        async def asked() -> list[str]:
            async with AsyncClient(url, token=token, verify=trusted) as client:
                return [each.name for each in await client.boards()]

        assert asyncio.run(asked()) == [board.url]
        monkeypatch.setenv("ESPDECK_REMOTE", url)
        monkeypatch.setenv("ESPDECK_TOKEN", token)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        done = CliRunner().invoke(cli, ["boards"])
        assert done.exit_code == 0, done.output
        assert board.url in done.output
