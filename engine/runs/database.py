"""The database of durable runs as DBOS is to open it, whichever SQLite this Python has.

DBOS asks SQLite for ``unixepoch('subsec')`` on Python 3.12 and newer, in statements and in defaults
of columns. SQLite knows that word since 3.42 (https://sqlite.org/lang_datefunc.html); an older one,
such as Debian 12's 3.40, answers NULL. The database may have been made by another Python, so every
connection brings the function where SQLite lacks it, whatever DBOS asks here. DBOS makes engines
itself, from a URL: a dialect of our own is the one door that all of them go through.

It also waits where somebody else holds the database. DBOS tries again for ever by itself
(``db_retry``), in sleeps of up to a minute that no shutdown ends, and a command would never answer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from engine.store.busy_wait import SLICE_SECONDS, StoreError, WaitPolicy, wait_policy
from engine.store.sqlite_errors import explain_errors
from engine.store.store_lock import read_only

_SUBSEC_SINCE = (3, 42)

SCHEMA = 125
"""A version of DBOS's tables that every DBOS knows which espdeck takes; it need not be asked."""

_DRIVER = "espdeck"


_background: WaitPolicy | None = None


def wait_in_background_as(chosen: WaitPolicy) -> None:
    """Say how long DBOS's own threads wait: in the process that executes, as work in flight."""
    global _background
    _background = chosen


def runs_url(database: Path) -> str:
    """The URL by which DBOS opens a file as its system database."""
    return f"sqlite+{_DRIVER}:///{database}"


def check_version(database: Path, application: str) -> None:
    """See that no newer espdeck has used a database of runs; it is not changed.

    Args:
        database: of the runs; it may be absent.
        application: the version of this espdeck's pipelines.

    Raises:
        StoreError: a newer one has, or the database cannot be read.
    """
    if not database.exists() or database.stat().st_size == 0:
        return
    with explain_errors(database):
        schema, newest = wait_policy().persist(database, lambda: _versions(database))
    if newest > int(application):
        raise StoreError(
            f"{database} was written by a newer espdeck (version {newest} of the runs, this one "
            f"knows {application}): update this one"
        )
    if schema > SCHEMA and schema > _known_schema():
        raise StoreError(
            f"{database} was written by a newer espdeck or DBOS (version {schema} of its tables, "
            f"this one knows {_known_schema()}): update this one"
        )


def _versions(database: Path) -> tuple[int, int]:
    """The version of DBOS's tables, and the newest of the pipelines that used them."""
    with read_only(database) as connection:
        found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        schema = newest = 0
        if "dbos_migrations" in found:
            row = connection.execute("SELECT max(version) FROM dbos_migrations").fetchone()
            schema = int(row[0] or 0)
        if "application_versions" in found:
            names = connection.execute("SELECT version_name FROM application_versions")
            newest = max((int(name) for (name,) in names if str(name).isdigit()), default=0)
        return schema, newest


def _known_schema() -> int:
    """The version that the DBOS which is installed knows: half a second, to load it."""
    from dbos._migration import sqlite_migrations

    return len(sqlite_migrations)


class _Connection(sqlite3.Connection):
    """A connection that knows which file it is of."""

    path: Path


class RunsDialect(SQLiteDialect_pysqlite):
    """SQLite by way of Python's own driver, with what DBOS expects of a newer SQLite."""

    supports_statement_cache = True

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection."""
        connection: Any = super().connect(*arguments, factory=_Connection, **options)
        connection.path = Path(arguments[0])
        if sqlite3.sqlite_version_info < _SUBSEC_SINCE:
            # Of functions with one name SQLite takes the one with the fitting number of arguments.
            connection.create_function("unixepoch", 1, _unixepoch)
        return connection

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin: the driver does so with the first statement; only how long SQLite waits is said.

        DBOS says 30 s when it connects.
        """
        dbapi_connection.execute(f"PRAGMA busy_timeout={int(SLICE_SECONDS * 1000)}").close()

    # A statement that fails as somebody else holds the database has changed nothing: the driver
    # could not begin its transaction, which it does with the first one.

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Execute a statement, again while somebody else holds the database."""
        _persist(cursor, lambda: cursor.execute(statement, parameters))

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        """Execute a statement that has no parameters."""
        _persist(cursor, lambda: cursor.execute(statement))

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Execute a statement once for each set of parameters."""
        _persist(cursor, lambda: cursor.executemany(statement, parameters))


registry.register(f"sqlite.{_DRIVER}", __name__, RunsDialect.__name__)


def _persist(cursor: Any, do: Callable[[], object]) -> None:
    wait_policy(_background).persist(cursor.connection.path, do)


def _unixepoch(modifier: str) -> float:
    """``unixepoch('subsec')``: seconds since 1970, to the millisecond.

    Raises:
        ValueError: another use, which only a newer SQLite answers.
    """
    if modifier not in ("subsec", "subsecond"):
        raise ValueError(f"unixepoch({modifier!r}) needs SQLite 3.42")
    return round(time.time(), 3)
