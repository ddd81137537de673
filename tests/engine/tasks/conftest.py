"""A server of recorded answers, and an engine whose models are on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine import Engine
from tests.engine.llm.servers import Oracle
from tests.engine.tasks.tasks import (
    settings,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def oracle(server: Oracle) -> Oracle:
    server.replies = {}
    server.requests.clear()
    server.hung_up.clear()
    return server


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, server: Oracle) -> Iterator[Engine]:
    with Engine(settings(tmp_path_factory.mktemp("workspace"), server)) as engine:
        yield engine


# Step pipelines.
