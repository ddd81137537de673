"""Making backups, by SQLite's own way (https://sqlite.org/backup.html): others go on writing.

The newest :data:`KEPT_BACKUPS` stay. Each is checked: one that is damaged drives none out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from engine.cancel import CancelToken
from engine.store.backups import (
    BACKUP_FOLDER,
    DATABASES,
    STORE_FILE,
    TIME_FORMAT,
    Backup,
    backups,
    damage_of,
    read,
)
from engine.store.busy_wait import RESERVED_BYTES, StoreError, free_bytes, wait_policy
from engine.store.sqlite_errors import explain_errors
from engine.store.store_lock import read_only, version_of

KEPT_BACKUPS = 4
"""Backups that stay."""

_PAGES_PER_STEP = 2048  # copied at once; between two of these a shutdown ends it


def make_backup(
    workspace: Path, *, now: datetime | None = None, cancel: CancelToken | None = None
) -> Backup:
    """Back the databases of a workspace up, and delete the oldest backups.

    Reads and writes all of both once, some 0.5 s for 100 MB; others may write meanwhile.

    Args:
        now: the time, in UTC.
        cancel: ends it; nothing is left then.

    Raises:
        StoreError: there is nothing to back up, no room, or a database is damaged; the older
            backups stay then.
        CancelledError, Interrupted: as the token says.
    """
    folder, time = workspace / BACKUP_FOLDER, now or datetime.now(UTC)
    cancel = cancel or CancelToken()
    with explain_errors(workspace / STORE_FILE):
        version = version_of(workspace / STORE_FILE)
        if version is None:
            raise StoreError(f"{workspace / STORE_FILE}: there is nothing to back up")
        _check_room(workspace)
        folder.mkdir(mode=0o700, exist_ok=True)
        made = _free_name(folder, f"{time.strftime(TIME_FORMAT)}-{version}")
        part = made.with_name(f".{made.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            for name in DATABASES:
                if (workspace / name).exists():
                    with explain_errors(workspace / name):
                        _copy(workspace / name, part / name, cancel)
            part.rename(made)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    for old in backups(workspace, now=time)[KEPT_BACKUPS:]:
        shutil.rmtree(old.folder, ignore_errors=True)
    backup = read(made)
    assert backup is not None
    return backup


def _check_room(workspace: Path) -> None:
    needed = RESERVED_BYTES
    for name in DATABASES:
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                needed += Path(f"{workspace / name}{suffix}").stat().st_size
    if free_bytes(workspace / BACKUP_FOLDER) < needed:
        raise StoreError(
            f"{workspace / BACKUP_FOLDER}: the disk is full: a backup of the databases needs "
            f"{needed / 1e6:.0f} MB: free some space"
        )


def _copy(source: Path, target: Path, cancel: CancelToken) -> None:
    """Copy a database as it is at one moment, and see that the copy is whole.

    Raises:
        sqlite3.Error: it cannot be read, or the copy not written, or it is damaged.
    """
    with (
        read_only(source) as reading,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):

        def begin() -> None:
            # What others write from now on is not seen: the copy never has to begin again.
            if not reading.in_transaction:
                reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()

        wait_policy().persist(source, begin)
        reading.backup(writing, pages=_PAGES_PER_STEP, progress=lambda *_: cancel.check())
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
