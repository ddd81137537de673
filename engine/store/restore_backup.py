"""A workspace's databases from a backup, or from what a damaged one still gives.

What is replaced is put aside into ``damaged``, never deleted. ``.recover`` of SQLite's shell reads
more out of a damaged file (pages that no table leads to), but the shell is another program that may
be absent; rows are read here table by table, from both ends and around what cannot be read.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.file_lock import FileLock
from engine.store.backups import (
    BACKUP_FOLDER,
    DATABASES,
    RUNS_FILE,
    STORE_FILE,
    Backup,
    backups,
    damage_of,
    read,
)
from engine.store.busy_wait import StoreError, describe_lockers, describe_openers
from engine.store.database import HEAD, Store
from engine.store.former_names import former_names
from engine.store.integrity import artifact_folders, kept_without_rows
from engine.store.sqlite_errors import explain_errors
from engine.store.store_lock import LOCK_FILE, StoreLock, read_only, version_of

DAMAGED = "damaged"
"""Folder of what was put aside."""

_EXECUTOR_LOCK_FILE = "executor.lock"
_NEW_FOLDER = ".restoring"
_MAX_ROW_ID = 1 << 62  # no row has such an id
_MAX_PROBES = 1000  # places between both ends of a table that are tried
_MAX_ORPHAN_PASSES = 5  # what belongs to a row that is deleted goes in the next one


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What restoring came to.

    Args:
        backup: that was taken; None where rows of the damaged database were read.
        aside: where the former databases are; None where there were none.
        rows: how many were read of each table, where no backup was taken.
        lost: tables of which something could not be read.
        without_rows: runs whose artifacts are there, but not their rows.
    """

    backup: Backup | None
    aside: Path | None
    rows: dict[str, int]
    lost: tuple[str, ...]
    without_rows: tuple[int, ...]


def restore(workspace: Path, chosen: Path | None = None, *, recover: bool = False) -> RestoreReport:
    """Put a backup in place of the databases; nobody may have the workspace open.

    Args:
        chosen: folder of a backup, or its name; None takes the newest that is whole.
        recover: read what the damaged database still gives, though there are backups.

    Raises:
        StoreError: the workspace is open, there is nothing to restore from, or no room.
    """
    path = workspace / STORE_FILE
    if not workspace.is_dir():
        raise StoreError(f"{workspace}: there is no workspace")
    lock, executor = StoreLock(path), FileLock(workspace / _EXECUTOR_LOCK_FILE)
    with explain_errors(path):
        lock.take_alone(within=0.0)
        try:
            if not executor.acquire():
                who = describe_lockers(executor.path) or "another process"
                raise StoreError(f"{workspace}: in use by {who}: try again when that has ended")
            for name in DATABASES:
                if others := describe_openers(workspace / name):
                    raise StoreError(
                        f"{workspace / name}: in use by {', '.join(others)}: "
                        "try again when that has ended"
                    )
            made = workspace / _NEW_FOLDER
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            try:
                return _restore(workspace, made, None if recover else _choose(workspace, chosen))
            finally:
                shutil.rmtree(made, ignore_errors=True)
        finally:
            executor.release()
            lock.release()


def _choose(workspace: Path, chosen: Path | None) -> Backup | None:
    """The backup to take; None where there is none and none was asked for."""
    if chosen is not None:
        backup = read(chosen) or read(workspace / BACKUP_FOLDER / chosen)
        if backup is None:
            known = ", ".join(each.folder.name for each in backups(workspace)) or "none"
            raise StoreError(f"{chosen}: no backup (there are: {known})")
        if damage := _damage_of_backup(backup):
            raise StoreError(f"{backup.folder}: {damage}")
        return backup
    known_damage = [(each, _damage_of_backup(each)) for each in backups(workspace)]
    whole = [each for each, damage in known_damage if not damage]
    if known_damage and not whole:
        told = "; ".join(f"{each.folder.name}: {damage}" for each, damage in known_damage)
        raise StoreError(
            f"no backup can be used ({told}): espdeck db restore --recover saves what can be read"
        )
    return whole[0] if whole else None


def _damage_of_backup(backup: Backup) -> str:
    version = version_of(backup.folder / STORE_FILE) or "none"
    if version > HEAD:
        return f"of a newer espdeck (version {version} of the store): update this one"
    for name in DATABASES:
        if (backup.folder / name).exists() and (damage := damage_of(backup.folder / name)):
            return f"damaged: {name}: {damage[0]}"
    return ""


def _restore(workspace: Path, made: Path, backup: Backup | None) -> RestoreReport:
    rows: dict[str, int] = {}
    lost: tuple[str, ...] = ()
    replaced = list(DATABASES)
    if backup is not None:
        for name in DATABASES:
            if (backup.folder / name).exists():
                shutil.copyfile(backup.folder / name, made / name)
    else:
        source = workspace / STORE_FILE
        if not source.exists() or source.stat().st_size == 0:
            raise StoreError(
                f"{source}: nothing to restore from: there is no backup, and no database; "
                f"to start anew move {workspace} away"
            )
        rows, lost = _read_out(source, made / STORE_FILE)
        if not (workspace / RUNS_FILE).exists() or not damage_of(workspace / RUNS_FILE):
            replaced.remove(RUNS_FILE)
    _number_on(made / STORE_FILE, max(artifact_folders(workspace), default=0))
    _begin_stream(made / STORE_FILE)
    aside = _put_aside(workspace, replaced)
    for name in replaced:
        if (made / name).exists():
            (made / name).chmod(0o600)
            (made / name).rename(workspace / name)
    return RestoreReport(backup, aside, rows, lost, kept_without_rows(workspace))


def _put_aside(workspace: Path, names: Sequence[str]) -> Path | None:
    files = [
        path
        for name in names
        for path in (workspace / f"{name}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))
        if path.exists()
    ]
    if not files:
        return None
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number, aside = 2, workspace / DAMAGED / stem
    while aside.exists():
        aside, number = aside.with_name(f"{stem}-{number}"), number + 1
    aside.mkdir(mode=0o700, parents=True)
    for path in files:
        path.rename(aside / path.name)
    return aside


def _number_on(database: Path, highest: int) -> None:
    """See that no new run gets the number of one whose artifacts are there."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        table = former_names(connection)[0].get("run", "run")
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS"
            " (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            (table,),
        )
        connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (highest, table)
        )


def _begin_stream(database: Path) -> None:
    """See that no event gets a place that readers saw another one at."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if ("stream_position",) in tables.fetchall():  # not in a store of before
            connection.execute("UPDATE stream_position SET stream = lower(hex(randomblob(4)))")


def _read_out(source: Path, target: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Make a new database of the rows that a damaged one still gives.

    Returns:
        How many rows of each table there are, and the tables of which some could not be read.

    Raises:
        StoreError: nothing can be read.
    """
    Store(target).close()
    (target.parent / LOCK_FILE).unlink(missing_ok=True)
    counts: dict[str, int] = {}
    lost: list[str] = []
    with (
        read_only(source) as reading,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.text_factory = lambda data: data.decode("utf-8", "replace")
        writing.execute("PRAGMA foreign_keys=OFF")
        tables = writing.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
            " AND name NOT LIKE 'sqlite%' ORDER BY name"
        ).fetchall()
        writing.execute("BEGIN")
        for (table,) in tables:
            counts[table], whole = _read_table(reading, writing, table)
            if not whole:
                lost.append(table)
        _drop_orphans(writing)
        for table in counts:
            counts[table] = writing.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        writing.execute("COMMIT")
        writing.execute("PRAGMA journal_mode=DELETE")
    if len(lost) == len(tables) and not any(counts.values()):
        raise StoreError(f"{source}: it cannot be read, and there is no backup")
    return counts, tuple(lost)


def _read_table(
    reading: sqlite3.Connection, writing: sqlite3.Connection, table: str
) -> tuple[int, bool]:
    """Copy the rows of a table that can be read: how many, and whether that were all.

    A damaged page hides the rows in it, and those behind it from one who comes from the beginning:
    they are read from the end, and from places in between.
    """
    try:
        tables, columns = former_names(reading)
        source = tables.get(table, table)
        there = {row[1] for row in reading.execute(f'PRAGMA table_info("{source}")')}
    except sqlite3.Error:
        return 0, False
    known = [row[1] for row in writing.execute(f'PRAGMA table_info("{table}")')]
    wanted = {name: columns.get(name, name) for name in known}
    wanted = {name: former for name, former in wanted.items() if former in there}
    if not wanted:
        return 0, False  # the damaged file does not say that it has such a table
    names = ", ".join(f'"{former}"' for former in wanted.values())
    into = ", ".join(f'"{name}"' for name in wanted)
    marks = ", ".join("?" for _ in wanted)
    insert = f'INSERT OR IGNORE INTO "{table}" ({into}) VALUES ({marks})'
    copied = 0

    def copy(after: int, before: int, way: str) -> tuple[int, bool]:
        """Copy rows between two ids; the last that came, and whether nothing was in the way."""
        nonlocal copied
        last = before if way == "DESC" else after
        query = (
            f'SELECT rowid, {names} FROM "{source}" WHERE rowid > ? AND rowid < ? '
            f"ORDER BY rowid {way}"
        )
        try:
            for row in reading.execute(query, (after, before)):
                writing.execute(insert, row[1:])
                last, copied = row[0], copied + 1
        except sqlite3.DatabaseError:
            return last, False
        return last, True

    low, whole = copy(-_MAX_ROW_ID, _MAX_ROW_ID, "ASC")
    if whole:
        return copied, True
    high, _ = copy(low, _MAX_ROW_ID, "DESC")
    step = 1
    for _ in range(_MAX_PROBES):
        start = max(low, 0) + step
        if start >= high:
            break
        reached, whole = copy(start, high, "ASC")
        if whole:
            break
        low, step = (reached, 1) if reached > start else (low, step * 2)
    return copied, False


def _drop_orphans(writing: sqlite3.Connection) -> None:
    """Delete rows whose owner could not be read."""
    for _ in range(_MAX_ORPHAN_PASSES):
        rows = writing.execute("PRAGMA foreign_key_check").fetchall()
        if not rows:
            return
        for table, row, _parent, _key in rows:
            writing.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))
