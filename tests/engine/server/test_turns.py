"""What costs much is done for a few at once, and keeps nobody else from being answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from engine import Engine
from engine.enums import Scope
from engine.errors import NotFoundError
from engine.server.turns import MEASURED_AT_ONCE, READ_AT_ONCE
from tests.engine.server.conftest import ClientOf
from tests.waits import wait_for

THREADS = 40
"""Of the pool in which answers are made (AnyIO)."""


class Work:
    """Work that lasts until the test lets it end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.begun = 0

    def __call__(self, *_arguments: object, **_more: object) -> Any:
        with self._lock:
            self.begun += 1
        self._over.wait(30)
        raise NotFoundError("nothing there")

    def end(self) -> None:
        self._over.set()


@contextmanager
def asked_by_many(client: httpx.Client, path: str) -> Iterator[list[int]]:
    """More calls at once than there are threads; the codes of their answers, once they have."""
    codes: list[int] = []
    with ThreadPoolExecutor(THREADS + 5) as pool:
        asked = [pool.submit(client.get, path) for _ in range(THREADS + 5)]
        yield codes
        codes += [each.result().status_code for each in asked]


@pytest.mark.slow  # forty callers
@pytest.mark.parametrize(
    ("path", "work_of", "at_once"),
    [
        ("/api/v1/builds/1/sizes", "builds.sizes", MEASURED_AT_ONCE),
        ("/api/v1/builds/1/compare/2", "builds.compare", MEASURED_AT_ONCE),
        ("/api/v1/projects/fw/apps", "projects.get", MEASURED_AT_ONCE),
        ("/api/v1/sessions/search?text=a", "boards.search_sessions", MEASURED_AT_ONCE),
        (f"/api/v1/artifacts/{'a' * 64}", "artifacts.get", READ_AT_ONCE),
        ("/api/v1/builds/1/artifacts/x.elf", "builds.get", READ_AT_ONCE),
        (
            f"/api/v1/download/{'a' * 64}/x?expires=1&signature=a",
            "artifacts.check_link",
            READ_AT_ONCE,
        ),
    ],
)
def test_many_who_ask_for_what_costs_much_keep_nobody_from_an_answer(
    engine: Engine,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    work_of: str,
    at_once: int,
) -> None:
    work = Work()
    service, name = work_of.split(".")
    monkeypatch.setattr(getattr(engine, service), name, work)
    client, other = client_of(Scope.READ), client_of(Scope.READ)
    try:
        with asked_by_many(client, path) as codes:
            wait_for(lambda: work.begun == at_once)
            assert other.get("/api/v1/version").status_code == 200
            assert work.begun == at_once
            work.end()
    finally:
        work.end()

    assert codes == [404] * (THREADS + 5)
    assert work.begun == THREADS + 5
