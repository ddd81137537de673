"""Backups of a workspace's databases: folders in ``backups``, named by time and version.

``20261128T031500Z-0008`` has ``espdeck.db``, as of migration 0008, and ``runs.db`` of that moment.
They are made by SQLite's backup (https://sqlite.org/backup.html): others go on writing meanwhile.
The newest :data:`KEEP` stay, and one that is damaged drives none out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.cancel import CancelToken
from engine.store.opening import looked_at, version_of
from engine.store.waiting import SPARE, StoreError, patience, room

FOLDER = "backups"
STORE = "espdeck.db"
RUNS = "runs.db"
DATABASES = (STORE, RUNS)

KEEP = 4
"""Backups that stay."""

_NAME = re.compile(r"(\d{8}T\d{6}Z)-(\w{1,20})(?:-\d{1,3})?")
_TIME = "%Y%m%dT%H%M%SZ"
_PAGES = 2048  # copied at once; between two of these a shutdown ends it


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup.

    Args:
        folder: has a file for each database.
        made: when, in UTC.
        version: migration at which its ``espdeck.db`` stands.
        size: bytes of its files.
    """

    folder: Path
    made: datetime
    version: str
    size: int


def backups(workspace: Path) -> tuple[Backup, ...]:
    """Backups of a workspace, newest first."""
    found = []
    with contextlib.suppress(OSError):
        for folder in (workspace / FOLDER).iterdir():
            if (backup := read(folder)) is not None:
                found.append(backup)
    return tuple(sorted(found, key=lambda each: each.folder.name, reverse=True))


def read(folder: Path) -> Backup | None:
    """The backup in a folder, None where there is none."""
    name = _NAME.fullmatch(folder.name)
    if name is None or not (folder / STORE).is_file():
        return None
    size = 0
    for each in DATABASES:
        with contextlib.suppress(OSError):
            size += (folder / each).stat().st_size
    made = datetime.strptime(name[1], _TIME).replace(tzinfo=UTC)
    return Backup(folder, made, name[2], size)


def make(
    workspace: Path, *, now: datetime | None = None, cancel: CancelToken | None = None
) -> Backup:
    """Back the databases of a workspace up, and delete the oldest backups.

    Reads and writes all of both once, some 0.5 s for 100 MB; others may write meanwhile.

    Args:
        now: the time, in UTC.
        cancel: ends it; nothing is left then.

    Raises:
        StoreError: there is nothing to back up, or no room.
        sqlite3.Error: a database is damaged; the older backups stay then.
        OSError: the folder cannot be written.
        CancelledError, Interrupted: as the token says.
    """
    folder = workspace / FOLDER
    cancel = cancel or CancelToken()
    version = version_of(workspace / STORE)
    if version is None:
        raise StoreError(f"{workspace / STORE}: there is nothing to back up")
    _check_room(workspace)
    folder.mkdir(mode=0o700, exist_ok=True)
    made = _free_name(folder, f"{(now or datetime.now(UTC)).strftime(_TIME)}-{version}")
    part = made.with_name(f".{made.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        for name in DATABASES:
            if (workspace / name).exists():
                _copy(workspace / name, part / name, cancel)
        part.rename(made)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for old in backups(workspace)[KEEP:]:
        shutil.rmtree(old.folder, ignore_errors=True)
    backup = read(made)
    assert backup is not None
    return backup


def damage_of(database: Path, *, quick: bool = True, most: int = 1) -> tuple[str, ...]:
    """What is damaged in a database, in lines; empty for nothing. It is not changed.

    Args:
        quick: leaves out whether indexes fit to their tables, which takes as long again.
        most: lines at the most.
    """
    pragma = "quick_check" if quick else "integrity_check"
    try:
        with looked_at(database) as connection:
            rows = connection.execute(f"PRAGMA {pragma}({most})").fetchall()
    except sqlite3.Error as error:
        return (str(error),)
    return tuple(str(row[0]) for row in rows if row[0] != "ok")[:most]


def _check_room(workspace: Path) -> None:
    needed = SPARE
    for name in DATABASES:
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                needed += Path(f"{workspace / name}{suffix}").stat().st_size
    if room(workspace / FOLDER) < needed:
        raise StoreError(
            f"{workspace / FOLDER}: the disk is full: a backup of the databases needs "
            f"{needed / 1e6:.0f} MB: free some space"
        )


def _copy(source: Path, target: Path, cancel: CancelToken) -> None:
    """Copy a database as it is at one moment, and see that the copy is whole.

    Raises:
        sqlite3.Error: it cannot be read, or the copy not written, or it is damaged.
    """
    with (
        looked_at(source) as reading,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):

        def begin() -> None:
            # What others write from now on is not seen: the copy never has to begin again.
            if not reading.in_transaction:
                reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()

        patience().persist(source, begin)
        reading.backup(writing, pages=_PAGES, progress=lambda *_: cancel.check())
        # One file, without a log beside it.
        writing.execute("PRAGMA journal_mode=DELETE")
    target.chmod(0o600)
    if damage := damage_of(target):
        raise sqlite3.DatabaseError(f"malformed: {source.name}: {damage[0]}")
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free_name(folder: Path, name: str) -> Path:
    """A folder of this name that is not there yet."""
    number, free = 2, folder / name
    while free.exists():
        free, number = folder / f"{name}-{number}", number + 1
    return free
