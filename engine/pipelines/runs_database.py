"""The database of durable runs as DBOS is to open it, whichever SQLite this Python has.

DBOS asks SQLite for ``unixepoch('subsec')`` on Python 3.12 and newer, in statements and in defaults
of columns. SQLite knows that word since 3.42 (https://sqlite.org/lang_datefunc.html); an older one,
such as Debian 12's 3.40, answers NULL. The database may have been made by another Python, so every
connection brings the function where SQLite lacks it, whatever DBOS asks here. DBOS makes engines
itself, from a URL: a dialect of our own is the one door that all of them go through.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_SUBSEC_SINCE = (3, 42)

_DRIVER = "espdeck"


def runs_url(database: Path) -> str:
    """The URL by which DBOS opens a file as its system database."""
    return f"sqlite+{_DRIVER}:///{database}"


class RunsDialect(SQLiteDialect_pysqlite):
    """SQLite by way of Python's own driver, with what DBOS expects of a newer SQLite."""

    supports_statement_cache = True

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection."""
        connection = super().connect(*arguments, **options)
        if sqlite3.sqlite_version_info < _SUBSEC_SINCE:
            # Of functions with one name SQLite takes the one with the fitting number of arguments.
            connection.create_function("unixepoch", 1, _unixepoch)
        return connection


registry.register(f"sqlite.{_DRIVER}", __name__, RunsDialect.__name__)


def _unixepoch(modifier: str) -> float:
    """``unixepoch('subsec')``: seconds since 1970, to the millisecond.

    Raises:
        ValueError: another use, which only a newer SQLite answers.
    """
    if modifier not in ("subsec", "subsecond"):
        raise ValueError(f"unixepoch({modifier!r}) needs SQLite 3.42")
    return round(time.time(), 3)
