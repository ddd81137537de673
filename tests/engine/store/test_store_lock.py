"""Opening a workspace: never a new one over an old one, and migrated whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from engine.store import projects, runs, store_lock
from engine.store.backup_writer import make_backup
from engine.store.backups import backups
from engine.store.database import HEAD, Store, StoreError
from tests.engine.store.held import held
from tests.engine.store.old_stores import old_store


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def version(path: Path) -> str | None:
    return store_lock.version_of(path)


@pytest.mark.parametrize("old", [f"{number:04}" for number in range(1, int(HEAD))])
def test_an_older_store_is_backed_up_and_migrated(tmp_path: Path, old: str) -> None:
    path = old_store(tmp_path / "espdeck.db", old)

    store = Store(path)

    assert [each.name for each in projects.all_projects(store)] == ["p"]
    assert [each.number for each in runs.list_runs(store)] == [1]
    (backup,) = backups(tmp_path)
    assert (backup.version, version(backup.folder / "espdeck.db")) == (old, old)
    store.close()


@pytest.mark.slow
def test_a_migration_that_fails_leaves_the_old_store_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_store(tmp_path / "espdeck.db", "0004")
    upgrade = command.upgrade

    def fail(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(StoreError, match="the disk is full: free some space"):
        Store(path)
    monkeypatch.undo()

    assert version(path) == "0004"
    Store(path).close()
    assert version(path) == HEAD


_KILLED = """
import os, sys
from pathlib import Path
from alembic import command
from engine.store.database import Store
upgrade = command.upgrade
def kill(*arguments):
    upgrade(*arguments)
    os.kill(os.getpid(), 9)
command.upgrade = kill
Store(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_migration_that_is_killed_leaves_the_old_store_whole(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", "0004")

    died = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)

    assert died.returncode == -9
    assert version(path) == "0004"
    store = Store(path)
    assert [each.number for each in runs.list_runs(store)] == [1]
    store.close()


@pytest.mark.slow
def test_of_two_that_open_an_older_store_one_migrates(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", "0004")
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store(path))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 4
    assert len(backups(tmp_path)) == 1
    for store in opened:
        assert [each.number for each in runs.list_runs(store)] == [1]
        store.close()


def test_without_room_for_the_backup_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_store(tmp_path / "espdeck.db", "0004")
    before = digest(path)
    monkeypatch.setattr("engine.store.backup_writer.free_bytes", lambda _path: 1000)

    with pytest.raises(StoreError, match=r"the disk is full: a backup .* needs \d+ MB: free some"):
        Store(path)

    assert digest(path) == before
    assert backups(tmp_path) == ()


def test_a_store_that_an_older_espdeck_has_open_is_not_migrated(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", "0004")

    with held(path) as older, pytest.raises(StoreError) as told:
        Store(path)

    assert f"of an older espdeck and in use by process {older.pid}" in str(told.value)
    assert version(path) == "0004"


def test_a_newer_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = digest(path)

    with pytest.raises(StoreError, match=r"newer espdeck .*9999.*: update this one"):
        Store(path)

    assert digest(path) == before
    assert backups(tmp_path) == ()


@pytest.mark.parametrize("state", ["empty", "gone"])
@pytest.mark.parametrize("kept", ["artifacts/12", "projects/1234.git", "runs.db"])
def test_no_new_store_is_made_over_an_old_workspace(tmp_path: Path, state: str, kept: str) -> None:
    path = tmp_path / "espdeck.db"
    if kept == "runs.db":
        (tmp_path / kept).write_bytes(b"x")
    else:
        (tmp_path / kept).mkdir(parents=True)
    if state == "empty":
        path.touch()

    with pytest.raises(
        StoreError, match=f"espdeck.db: {state}, but .*: there is no backup"
    ) as told:
        Store(path)

    assert "\n" not in str(told.value)
    assert path.exists() == (state == "empty")


def test_where_a_workspace_was_the_newest_backup_is_named(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.db"
    Store(path).close()
    backup = make_backup(tmp_path)
    (tmp_path / "artifacts" / "1").mkdir(parents=True)
    path.unlink()

    with pytest.raises(StoreError, match="espdeck db restore brings it back") as told:
        Store(path)

    assert str(backup.folder) in str(told.value)


def test_a_store_that_a_killed_process_began_is_made(tmp_path: Path) -> None:
    (tmp_path / "espdeck.db").touch()

    Store(tmp_path / "espdeck.db").close()

    assert version(tmp_path / "espdeck.db") == HEAD


def test_a_log_that_a_killed_process_left_is_taken_in(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", HEAD)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE project SET name = 'q'")
        connection.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", tmp_path / f"copy.db{suffix}")
    connection.close()

    store = Store(tmp_path / "copy.db")

    assert [each.name for each in projects.all_projects(store)] == ["q"]
    store.close()


def test_a_file_that_was_cut_off_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.db"
    Store(path).close()
    make_backup(tmp_path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)

    with pytest.raises(StoreError, match=r"damaged .*newest backup .*db restore") as told:
        runs.list_runs(Store(path))

    assert "\n" not in str(told.value)


def test_bytes_that_are_no_word_are_damage(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", HEAD)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET status = 'sXccess'")
    connection.close()

    with pytest.raises(StoreError, match="damaged"):
        runs.list_runs(Store(path))


def test_a_pipe_is_no_database_and_nobody_waits_at_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "espdeck.db")

    with (
        pytest.raises(sqlite3.OperationalError, match="not a file"),
        store_lock.read_only(tmp_path / "espdeck.db"),
    ):
        pass
