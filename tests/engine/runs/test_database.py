"""The database of durable runs under any SQLite: the function that DBOS expects of a newer one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from engine.runs.database import runs_url

DEBIAN_12 = (3, 40, 1)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """On the SQLite of Debian 12, or what behaves as it does here."""
    oldest = min(sqlite3.sqlite_version_info, DEBIAN_12)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", oldest)
    engine = create_engine(runs_url(tmp_path / "runs.db"))
    yield engine
    engine.dispose()


def test_a_default_of_a_column_counts_milliseconds(engine: Engine) -> None:
    before = int(time.time() * 1000)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE queues (name TEXT,"
                " created_at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"
            )
        )
        connection.execute(text("INSERT INTO queues (name) VALUES ('builds')"))
        created = connection.execute(text("SELECT CAST(created_at AS BIGINT) FROM queues")).scalar()

    assert before - 1 <= int(str(created)) <= time.time() * 1000 + 1


@pytest.mark.parametrize("modifier", ["subsec", "subsecond"])
def test_a_statement_has_it_too(engine: Engine, modifier: str) -> None:
    with engine.connect() as connection:
        now = connection.execute(text(f"SELECT unixepoch('{modifier}')")).scalar()

    assert isinstance(now, float)
    assert now == pytest.approx(time.time(), abs=5)


def test_what_the_function_does_not_know_is_no_silent_null(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("SELECT unixepoch('julianday')"))


def test_it_is_sqlite_for_all_who_ask(engine: Engine) -> None:
    assert (engine.dialect.name, engine.dialect.driver) == ("sqlite", "pysqlite")
