"""How often somebody may ask: wrong tokens of an address, requests of a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from engine import Engine, Settings
from engine.access import service
from engine.enums import Scope
from engine.server.app import create_app
from tests.engine.server.asgi import Answer, ask

PATH = "/api/v1/tokens"
WRONG = "espdeck_" + "A" * 43
HERE = "192.0.2.7"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that allows little, and nothing more for minutes."""
    monkeypatch.setattr(service, "_FAILURE_BURST", 3)
    monkeypatch.setattr(service, "_FAILURES_PER_SECOND", 0.001)
    monkeypatch.setattr(service, "_REQUEST_BURST", 3)
    monkeypatch.setattr(service, "_REQUESTS_PER_SECOND", 0.001)
    engine = Engine(Settings(workspace=tmp_path / "lab"))
    engine.open(execute=False)
    yield engine
    engine.close()


@pytest.fixture
def app(engine: Engine) -> FastAPI:
    return create_app(engine)


def get(app: FastAPI, token: str | None, client: str = HERE) -> Answer:
    headers = [("Authorization", f"Bearer {token}")] if token else []
    return ask(app, "GET", PATH, headers, client=client)


def test_who_guesses_has_to_wait(app: FastAPI, engine: Engine) -> None:
    good, _ = engine.access.create_token("ci", Scope.ADMIN)

    answers = [get(app, WRONG) for _ in range(4)]

    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert "again in" in answers[3].detail
    assert int(answers[3].headers["retry-after"]) >= 1
    assert get(app, WRONG, "192.0.2.8").status == 401
    assert get(app, good).status == 200  # a neighbour at the same address is not locked out
    assert get(app, None).status == 401


def test_addresses_of_one_network_count_as_one(app: FastAPI) -> None:
    answers = [get(app, WRONG, f"2001:db8:1:2::{number}").status for number in range(5)]

    assert answers == [401, 401, 401, 429, 429]


def test_wrong_logins_count_as_well(app: FastAPI) -> None:
    body = b'{"token": "wrong"}'
    json = [("Content-Type", "application/json")]

    answers = [ask(app, "POST", "/login", json, body=body, client=HERE) for _ in range(4)]

    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert get(app, WRONG).status == 429


def test_a_token_that_asks_too_often_has_to_wait(app: FastAPI, engine: Engine) -> None:
    busy, _ = engine.access.create_token("busy", Scope.ADMIN)
    other, _ = engine.access.create_token("other", Scope.ADMIN)

    answers = [get(app, busy, f"192.0.2.{number}") for number in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].content_type == "application/problem+json"
    assert int(answers[3].headers["retry-after"]) >= 1
    assert get(app, other).status == 200
