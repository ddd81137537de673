"""What is looked at before a workspace's database is opened, and who may change it as a whole.

Everybody who has the database open holds ``store.lock`` together with others; who makes, migrates
or restores the database holds it alone. ``flock`` ends with the process, whatever ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from engine.store.busy_wait import SLICE_SECONDS, StoreError, describe_lockers, wait_policy
from engine.text import count

LOCK_FILE = "store.lock"

MIGRATION_TIMEOUT_SECONDS = 60.0
"""Seconds that one who opens a database waits while another makes, migrates or restores it."""


class StoreLock:
    """The lock of one workspace's database: held by many together, or by one alone.

    Args:
        database: the file; the lock lies beside it.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.parent / LOCK_FILE
        self._descriptor: int | None = None

    def share(self) -> None:
        """Take it together with others.

        Raises:
            StoreError: another one changes the database for too long.
            OSError: the file cannot be made.
        """
        self._take(fcntl.LOCK_SH, time.monotonic() + MIGRATION_TIMEOUT_SECONDS)

    def take_alone(self, within: float = MIGRATION_TIMEOUT_SECONDS) -> None:
        """Take it alone.

        Args:
            within: seconds that others get to let it go.

        Raises:
            StoreError: others hold it; says who.
            OSError: the file cannot be made.
        """
        self._take(fcntl.LOCK_EX, time.monotonic() + within)

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _take(self, how: int, until: float) -> None:
        self.release()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= until:
                        who = describe_lockers(self._path) or "another process"
                        raise StoreError(
                            f"{self._database}: in use by {who}: try again when that has ended"
                        ) from None
                    wait_policy().pause(0.02)
                else:
                    break
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor


def version_of(database: Path) -> str | None:
    """The migration at which a database stands; None where there is none. It is not changed.

    Raises:
        sqlite3.Error: it cannot be read, or is none of espdeck's.
        StoreError: others hold it for too long.
    """
    try:
        if database.stat().st_size == 0:
            return None
    except FileNotFoundError:
        return None
    return wait_policy().persist(database, lambda: _read_version(database))


@contextlib.contextmanager
def read_only(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing, for the block.

    Raises:
        sqlite3.Error: the file cannot be opened, or is none: SQLite would wait at a pipe.
    """
    if database.exists() and not database.is_file():
        raise sqlite3.OperationalError("unable to open database file: it is not a file")
    url = f"file:{quote(str(database))}?mode=ro"
    connection = sqlite3.connect(url, uri=True, timeout=SLICE_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        yield connection


def find_traces(folder: Path) -> tuple[str, ...]:
    """What a workspace has beside its database that only a database can have led to."""
    found: list[str] = []
    counted: tuple[tuple[str, str, str, Callable[[Path], bool]], ...] = (
        ("artifacts", "artifacts of {}", "run", lambda path: path.name.isdigit()),
        ("projects", "{}", "clone", lambda path: path.suffix == ".git"),
    )
    for name, text, noun, counts in counted:
        with contextlib.suppress(OSError):
            if number := sum(map(counts, (folder / name).iterdir())):
                found.append(text.format(count(number, noun)))
    with contextlib.suppress(OSError):
        if (folder / "runs.db").stat().st_size:
            found.append("runs.db")
    return tuple(found)


def _read_version(database: Path) -> str | None:
    with read_only(database) as connection:
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if tables:
                raise sqlite3.DatabaseError("malformed: tables, but no version") from error
            return None
    if len(rows) != 1 or not isinstance(rows[0][0], str):
        raise sqlite3.DatabaseError("malformed: no single version")
    version: str = rows[0][0]
    return version
