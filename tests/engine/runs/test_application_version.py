"""A database of runs that a newer espdeck used is refused in a line, and not touched."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.errors import EspdeckError
from engine.runs import database
from engine.runs.database import check_version


def runs(path: Path, *, schema: int = 1, application: str = "1") -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE dbos_migrations (version INTEGER)")
        connection.execute("INSERT INTO dbos_migrations VALUES (?)", (schema,))
        connection.execute("CREATE TABLE application_versions (version_name TEXT)")
        connection.execute("INSERT INTO application_versions VALUES (?)", (application,))
    connection.close()
    return path


@pytest.mark.parametrize("application", ["1", "4", "of somebody's"])
def test_one_of_this_or_an_older_espdeck_is_taken(tmp_path: Path, application: str) -> None:
    check_version(runs(tmp_path / "runs.db", application=application), "4")


def test_one_that_is_not_there_yet_is_taken(tmp_path: Path) -> None:
    check_version(tmp_path / "runs.db", "4")
    (tmp_path / "runs.db").touch()
    check_version(tmp_path / "runs.db", "4")


def test_what_is_known_without_asking_dbos_is_known() -> None:
    assert database._known_schema() >= database.SCHEMA


@pytest.mark.parametrize("newer", [{"schema": 10_000}, {"application": "9999"}])
def test_a_newer_one_is_refused_and_the_workspace_not_touched(
    tmp_path: Path, newer: dict[str, object]
) -> None:
    path = runs(tmp_path / "runs.db", **newer)  # type: ignore[arg-type]
    before = hashlib.sha256(path.read_bytes()).hexdigest()

    with pytest.raises(
        EspdeckError, match=r"written by a newer espdeck .*: update this one"
    ) as told:
        Engine(Settings(workspace=tmp_path)).open()

    assert "\n" not in str(told.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert not (tmp_path / "espdeck.db").exists()


def test_a_damaged_one_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database " * 1000)

    with pytest.raises(EspdeckError, match=r"runs\.db: damaged .*espdeck db restore"):
        Engine(Settings(workspace=tmp_path)).open()
