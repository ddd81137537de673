"""Backups of a workspace's databases: folders in ``backups``, named by time and version.

``20261128T031500Z-0008`` has ``espdeck.db``, as of migration 0008, and ``runs.db`` of that moment.
How they are made: :mod:`engine.store.backup_writer`.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.store.store_lock import read_only

BACKUP_FOLDER = "backups"
STORE_FILE = "espdeck.db"
RUNS_FILE = "runs.db"
DATABASES = (STORE_FILE, RUNS_FILE)

_NAME = re.compile(r"(\d{8}T\d{6}Z)-(\w{1,20})(?:-\d{1,3})?")
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
"""How the time is written in a name."""


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


def backups(workspace: Path, *, now: datetime | None = None) -> tuple[Backup, ...]:
    """Backups of a workspace, newest first.

    Those of later than now come last: the clock was wrong when they were made, or is now, and the
    next one that is made must count as the newest.

    Args:
        now: the time, in UTC.
    """
    time = now or datetime.now(UTC)
    found = []
    with contextlib.suppress(OSError):
        for folder in (workspace / BACKUP_FOLDER).iterdir():
            if (backup := read(folder)) is not None:
                found.append(backup)
    return tuple(
        sorted(found, key=lambda each: (each.made <= time, each.folder.name), reverse=True)
    )


def read(folder: Path) -> Backup | None:
    """The backup in a folder, None where there is none."""
    name = _NAME.fullmatch(folder.name)
    if name is None or not (folder / STORE_FILE).is_file():
        return None
    size = 0
    for each in DATABASES:
        with contextlib.suppress(OSError):
            size += (folder / each).stat().st_size
    made = datetime.strptime(name[1], TIME_FORMAT).replace(tzinfo=UTC)
    return Backup(folder, made, name[2], size)


def damage_of(database: Path, *, quick: bool = True, most: int = 1) -> tuple[str, ...]:
    """What is damaged in a database, in lines; empty for nothing. It is not changed.

    Args:
        quick: leaves out whether indexes fit to their tables, which takes as long again.
        most: lines at the most.
    """
    pragma = "quick_check" if quick else "integrity_check"
    try:
        with read_only(database) as connection:
            rows = connection.execute(f"PRAGMA {pragma}({most})").fetchall()
    except sqlite3.Error as error:
        return (str(error),)
    return tuple(str(row[0]) for row in rows if row[0] != "ok")[:most]
