"""Opening the store: SQLite with WAL, foreign keys and a busy timeout, migrated by alembic."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session

from engine.errors import EspdeckError

HEAD = "0009"
"""The newest migration; a store that is there already opens without importing alembic."""

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for another process before it gives up."""

OLDEST_SQLITE = (3, 35)
"""The first that has RETURNING, which durable runs ask for (https://sqlite.org/lang_returning.html)."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class StoreError(EspdeckError):
    """The database cannot be read or written: disk full, no permission, damaged."""


class Store:
    """One database file, shared by threads and processes.

    Every access is a short transaction: :meth:`read` sees one consistent state, :meth:`write`
    takes the write lock at once, so that two writers queue up and never deadlock.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the database and bring it to the newest migration.

        Raises:
            StoreError: the file cannot be made, read or migrated; this Python's SQLite is too old.
        """
        if too_old := sqlite_too_old():
            raise StoreError(too_old)
        self.path = path
        self._engine = create_engine(
            f"sqlite:///{path}",
            connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        event.listen(self._engine, "before_cursor_execute", _storable, retval=True)
        self._writer = self._engine.execution_options(immediate=True)
        self._closed = False
        with self._explained():
            # Sources may carry passwords: nobody else reads what is in a workspace.
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            version = self._version()
            if version is not None and version > HEAD:
                raise StoreError(f"{path} was written by a newer espdeck: update this one")
            if version != HEAD:
                self._migrate()

    def close(self) -> None:
        """Close every connection. Nothing is read or written any more, by whatever still runs."""
        self._closed = True
        self._engine.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._explained(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock and commits at the end of the block."""
        with self._explained(), Session(self._writer, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def watch(self) -> Iterator[Callable[[], int]]:
        """A function that gives a number which changes when another connection commits.

        It asks ``PRAGMA data_version`` on a connection of its own, outside of transactions, which
        costs microseconds (https://sqlite.org/pragma.html#pragma_data_version).
        """
        with self._explained():
            connection = self._engine.raw_connection()
            try:
                cursor = connection.cursor()

                def version() -> int:
                    cursor.execute("PRAGMA data_version")
                    row = cursor.fetchone()
                    return int(row[0]) if row else 0

                yield version
            finally:
                connection.close()

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            try:
                return connection.execute(
                    text("SELECT version_num FROM alembic_version")
                ).scalar_one_or_none()
            except OperationalError as error:
                if "no such table" in str(error):
                    return None
                raise

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._writer.connect() as connection:
            # A table is changed by making it anew: what refers to the old one must not go with it
            # (https://sqlite.org/lang_altertable.html). Within a transaction this has no effect.
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
            finally:
                driver.execute("PRAGMA foreign_keys=ON")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        if self._closed:
            raise StoreError(f"{self.path}: closed")
        try:
            yield
        except (DatabaseError, OSError) as error:
            raise StoreError(f"{self.path}: {advice(error)}") from error


def sqlite_too_old() -> str:
    """What is wrong with this Python's SQLite, and what to do, in a line; empty for nothing."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return ""
    oldest = ".".join(map(str, OLDEST_SQLITE))
    return (
        f"this Python has SQLite {sqlite3.sqlite_version}, espdeck needs {oldest} or newer: "
        "install it with another Python (uv python install brings a new SQLite)"
    )


def advice(error: Exception) -> str:
    """What an error of SQLite means, and what to do, in a line."""
    reason = str(getattr(error, "orig", None) or error)
    if "full" in reason or "No space" in reason:
        return "the disk is full: free some space and try again"
    if "readonly" in reason or "unable to open" in reason or "Permission" in reason:
        return f"cannot be written ({reason}): check its owner and permissions"
    if "locked" in reason:
        return "busy for too long: another process holds it"
    if "malformed" in reason or "not a database" in reason:
        return f"damaged ({reason}): move it away to start anew"
    return reason


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are begun by _begin, not guessed by the driver.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _storable(
    _connection: object,
    _cursor: object,
    statement: str,
    parameters: Any,
    _context: object,
    _many: bool,
) -> tuple[str, Any]:
    """Replace what is no Unicode text, as lone surrogates of file names: SQLite refuses it."""
    return statement, _encodable(parameters)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, tuple):
        return tuple(map(_encodable, value))
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value
