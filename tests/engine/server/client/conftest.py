"""Clients of a server over real HTTP: the one, and the other played as if it were the same."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, cast

import pytest

from engine import AsyncClient, Client, Engine
from engine.enums import Scope
from engine.server.http_server import HttpServer
from tests.engine.server.test_build_routes import add_build, project, store

__all__ = ["add_build", "project", "store"]  # fixtures

Connect = Callable[..., Client]


class Blocking:
    """An :class:`AsyncClient` with the methods of a :class:`Client`: each waits."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)
        self._opened: list[AsyncGenerator[Any, None]] = []

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._client, name)
        if not callable(member):
            return member

        def call(*arguments: Any, **options: Any) -> Any:
            found = member(*arguments, **options)
            if inspect.isasyncgen(found):
                self._opened.append(cast(AsyncGenerator[Any, None], found))
                return self._each(found)
            return self._runner.run(cast(Coroutine[Any, Any, Any], found))

        return call

    def close(self) -> None:
        for each in self._opened:
            self._runner.run(each.aclose())
        self._runner.run(self._client.aclose())
        self._runner.close()

    def _each(self, found: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(found, None)

        while (item := self._runner.run(following())) is not None:
            yield item


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that broke off are opened again soon."""
    monkeypatch.setattr("engine.server.client.connection.COME_AGAIN_SECONDS", 0.05)


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """A function that makes a client, of both kinds in turn."""
    made: list[Any] = []

    def make(url: str, **options: Any) -> Client:
        kind: Any = Client if request.param == "sync" else Blocking
        client = kind(url, **options)
        made.append(client)
        return cast(Client, client)

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(connect: Connect, engine: Engine, server: HttpServer) -> Client:
    """A client that may do everything."""
    token, _ = engine.access.create_token("client", Scope.ADMIN)
    return connect(server.url, token=token, patience=20.0)
