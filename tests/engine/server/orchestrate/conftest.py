"""An engine that executes tasks, served over loopback, with model servers of recorded answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine import Engine
from engine.enums import Scope
from engine.server.http_server import HttpServer
from tests.engine.llm.servers import Oracle
from tests.engine.server.orchestrate.lab import KeyedServer, settings
from tests.engine.tasks.tasks import project


@pytest.fixture(scope="module")
def models() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture(scope="module")
def keyed() -> Iterator[KeyedServer]:
    server = KeyedServer()
    yield server
    server.close()


@pytest.fixture
def oracle(models: Oracle) -> Oracle:
    models.replies = {}
    models.requests.clear()
    models.hung_up.clear()
    return models


@pytest.fixture(scope="module")
def engine(
    tmp_path_factory: pytest.TempPathFactory, models: Oracle, keyed: KeyedServer
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("lab") / "workspace"
    with Engine(settings(folder, models.url, keyed.url)) as engine:
        yield engine


@pytest.fixture(scope="module")
def server(engine: Engine) -> Iterator[HttpServer]:
    server = HttpServer(engine)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def token(engine: Engine) -> str:
    return engine.access.create_token("builder", Scope.BUILD)[0]


@pytest.fixture(scope="module")
def client(server: HttpServer, token: str) -> Iterator[httpx.Client]:
    """A client that may start tasks."""
    with httpx.Client(
        base_url=f"{server.url}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60.0
    ) as client:
        yield client


@pytest.fixture(scope="module")
def reader(engine: Engine, server: HttpServer) -> Iterator[httpx.Client]:
    """A client that may look."""
    token = engine.access.create_token("reader", Scope.READ)[0]
    with httpx.Client(
        base_url=f"{server.url}/api", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


@pytest.fixture(scope="module")
def node(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> uuid.UUID:
    """A project."""
    sources = {"main/main.c": "int answer(void) {\n    return 41;\n}\n"}
    folder: Path = tmp_path_factory.mktemp("node")
    return project(engine, folder, sources)
