"""An engine that is served over loopback, and clients with tokens."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from engine import Engine, Settings
from engine.enums import Scope
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings

ClientOf = Callable[[Scope | None], httpx.Client]

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading the machine's certificates for each client takes longer than what most tests ask."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a new workspace; it executes nothing."""
    engine = Engine(Settings(workspace=tmp_path / "lab", server=ServerSettings(port=0)))
    engine.open(execute=False)
    yield engine
    engine.close()


@pytest.fixture
def server(engine: Engine) -> Iterator[HttpServer]:
    """The server of that engine, on a free port."""
    server = HttpServer(engine)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client_of(engine: Engine, server: HttpServer) -> Iterator[ClientOf]:
    """A function that gives a client with a token of a scope, or with none."""
    clients: list[httpx.Client] = []

    def client(scope: Scope | None) -> httpx.Client:
        made = httpx.Client(base_url=server.url, timeout=30.0, verify=_NO_TLS)
        if scope is not None:
            token, _ = engine.access.create_token(f"{scope} {len(clients)}", scope)
            made.headers["Authorization"] = f"Bearer {token}"
        clients.append(made)
        return made

    yield client
    for each in clients:
        each.close()


@pytest.fixture
def admin(client_of: ClientOf) -> httpx.Client:
    """A client that may do everything."""
    return client_of(Scope.ADMIN)
