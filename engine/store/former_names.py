"""Names that tables and columns had in databases that were not migrated yet.

Looking at a database, and saving what a damaged one still gives, come before its migration.
Version 0010 of the store renamed table ``build`` to ``run`` and its columns with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

_TABLES = {"run": "build"}
_COLUMNS = {"run_id": "build_id", "workflow_id": "run_id"}


def former_names(connection: sqlite3.Connection) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What tables and columns are called in a database that are called otherwise today.

    Returns:
        The names of tables and of columns, by today's; empty for a database of today.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'build'"
    ).fetchone()
    return (_TABLES, _COLUMNS) if found else ({}, {})
