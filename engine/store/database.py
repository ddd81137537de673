"""Opening the store: SQLite with WAL, foreign keys and a busy timeout, migrated by alembic."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as SqlEngine
from sqlmodel import Session

from engine.cancel import CancelToken
from engine.store import backup_writer
from engine.store.busy_wait import SLICE_SECONDS, StoreError, describe_openers, wait_policy
from engine.store.sqlite_errors import advice, explain_errors, recovery_advice
from engine.store.store_lock import MIGRATION_TIMEOUT_SECONDS, StoreLock, find_traces, version_of
from engine.store.vacuum import make_shrinkable, shrink

__all__ = ["HEAD", "Store", "StoreError", "advice", "sqlite_too_old"]

HEAD = "0014"
"""The newest migration; a store that is there already opens without importing alembic."""

OLDEST_SQLITE = (3, 35)
"""The first that has RETURNING, which durable runs ask for (https://sqlite.org/lang_returning.html)."""

MIN_FREE_BYTES = 1 << 20
"""Room on the disk without which nothing more is written."""

_MIGRATIONS = Path(__file__).parent / "migrations"


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
            connect_args={"timeout": SLICE_SECONDS, "check_same_thread": False},
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        event.listen(self._engine, "before_cursor_execute", _storable, retval=True)
        self._writer = self._engine.execution_options(immediate=True)
        self._closed = False
        self._lock = StoreLock(path)
        with explain_errors(self.path):
            # Sources may carry passwords: nobody else reads what is in a workspace.
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._bring_up_to_date()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close every connection. Nothing is read or written any more, by whatever still runs."""
        self._closed = True
        self._engine.dispose()
        self._lock.release()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._explained(), self._begun(self._engine) as session:
            try:
                yield session
            except (LookupError, ValueError) as error:
                # No word, time or number that was ever written: a page has other bytes.
                raise sqlite3.DatabaseError(f"malformed: {error}") from error

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock and commits at the end of the block.

        While others hold it the block does not begin: see :mod:`engine.store.busy_wait`.
        """
        with self._explained(), self._begun(self._writer) as session:
            yield session
            session.commit()

    def check_writable(self) -> None:
        """See whether anything can be written: the lock, the file system, and room.

        Raises:
            StoreError: nothing can be written now.
        """
        with self._explained(), self._begun(self._writer) as session:
            session.rollback()
        if shutil.disk_usage(self.path.parent).free < MIN_FREE_BYTES:
            raise StoreError(f"{self.path.parent}: the disk is full")

    @contextlib.contextmanager
    def watch(self) -> Iterator[Callable[[], int]]:
        """A function that gives a number which changes when another connection commits.

        It asks ``PRAGMA data_version`` on a connection of its own, outside of transactions, which
        costs microseconds (https://sqlite.org/pragma.html#pragma_data_version).
        """
        with self._explained():
            connection = wait_policy().persist(self.path, self._engine.raw_connection)
            try:
                cursor = connection.cursor()

                def version() -> int:
                    cursor.execute("PRAGMA data_version")
                    row = cursor.fetchone()
                    return int(row[0]) if row else 0

                yield version
            finally:
                connection.close()

    def _begun(self, engine: SqlEngine) -> Session:
        """A session whose transaction has begun, so that nothing in it has to wait any more."""

        def begin() -> Session:
            self._check_open()  # it may be closed while this waits
            session = Session(engine, expire_on_commit=False)
            try:
                connection = session.connection()
                if engine is not self._writer:
                    connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
            except BaseException:
                session.close()
                raise
            return session

        return wait_policy().persist(self.path, begin)

    def _bring_up_to_date(self) -> None:
        """Hold the database together with others, made or migrated by one of them alone."""
        until = time.monotonic() + MIGRATION_TIMEOUT_SECONDS
        while True:
            self._lock.share()
            if not self._needs_migration():
                return
            try:
                self._lock.take_alone(within=0.0)
            except StoreError:  # another one does it now, or has it open when that is done
                if time.monotonic() > until:
                    raise
                wait_policy().pause(0.02)
            else:
                if self._needs_migration():
                    self._renew()

    def _needs_migration(self) -> bool:
        version = version_of(self.path)
        if version is not None and version > HEAD:
            raise StoreError(
                f"{self.path} was written by a newer espdeck (version {version} of the store, this "
                f"one knows {HEAD}): update this one"
            )
        if version is None and (there := find_traces(self.path.parent)):
            state = "empty" if self.path.exists() else "gone"
            raise StoreError(
                f"{self.path}: {state}, but {' and '.join(there)} exist: "
                f"{recovery_advice(self.path)}"
            )
        return version != HEAD

    def _renew(self) -> None:
        """Make the database, or back it up and migrate it; nobody else has it open."""
        if version_of(self.path) is None:
            self.path.touch(mode=0o600)
            make_shrinkable(self.path)
            self._migrate()
            return
        if others := describe_openers(self.path):
            raise StoreError(
                f"{self.path} is of an older espdeck and in use by {', '.join(others)}: "
                "end that first, then it is migrated"
            )
        backup_writer.make_backup(self.path.parent)
        self._migrate()
        self._engine.dispose()
        with contextlib.suppress(StoreError, sqlite3.Error):  # without room: it stays as large
            shrink(self.path, whole=True, cancel=CancelToken())

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
        self._check_open()
        with explain_errors(self.path):
            yield

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.path}: closed")


def sqlite_too_old() -> str:
    """What is wrong with this Python's SQLite, and what to do, in a line; empty for nothing."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return ""
    oldest = ".".join(map(str, OLDEST_SQLITE))
    return (
        f"this Python has SQLite {sqlite3.sqlite_version}, espdeck needs {oldest} or newer: "
        "install it with another Python (uv python install brings a new SQLite)"
    )


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
