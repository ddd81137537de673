"""Giving the room of deleted rows back to the disk.

A database that is made with ``auto_vacuum=INCREMENTAL`` gives pages back some at a time, while
others go on (https://sqlite.org/pragma.html#pragma_incremental_vacuum). One from before needs a
whole ``VACUUM`` once, which makes it anew beside itself: twice its room, and writers wait.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from pathlib import Path

from engine.cancel import CancelToken
from engine.store.busy_wait import (
    RESERVED_BYTES,
    SLICE_SECONDS,
    StoreError,
    free_bytes,
    wait_policy,
)

_INCREMENTAL_VACUUM = 2
_PAGES_PER_TRANSACTION = 256  # given back in one transaction
_MIN_FREE_PAGES = 64  # free pages below which nothing is done


def make_shrinkable(database: Path) -> None:
    """Say of a database without tables that it is to give pages back; one with tables stays.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    opened = sqlite3.connect(database, timeout=SLICE_SECONDS, isolation_level=None)
    with contextlib.closing(opened) as connection:
        # In this order: the log makes it a database, and then it is too late.
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL"):
            wait_policy().persist(
                database, functools.partial(connection.execute, f"PRAGMA {pragma}")
            ).fetchall()


def shrink(database: Path, *, whole: bool, cancel: CancelToken) -> int:
    """Give free pages back.

    Args:
        whole: also make a database anew that cannot give them back one by one.

    Returns:
        Bytes that the file shrank by.

    Raises:
        StoreError: there is no room to make it anew; or others hold it for too long.
        sqlite3.Error: it cannot be read or written; nothing is lost.
        CancelledError, Interrupted: as the token says.
    """
    if not database.exists():
        return 0
    before = database.stat().st_size
    opened = sqlite3.connect(database, timeout=SLICE_SECONDS, isolation_level=None)
    with contextlib.closing(opened) as connection:

        def ask(sql: str) -> int:
            rows = wait_policy().persist(database, lambda: connection.execute(sql).fetchall())
            return int(rows[0][0]) if rows else 0

        if ask("PRAGMA auto_vacuum") == _INCREMENTAL_VACUUM:
            free = ask("PRAGMA freelist_count")
            while free >= _MIN_FREE_PAGES:
                cancel.check()
                ask(f"PRAGMA incremental_vacuum({_PAGES_PER_TRANSACTION})")
                last, free = free, ask("PRAGMA freelist_count")
                if free >= last:
                    break
        elif whole:
            size = ask("PRAGMA page_count") * ask("PRAGMA page_size")
            if free_bytes(database) < 2 * size + RESERVED_BYTES:  # beside it, and in its log
                raise StoreError(
                    f"{database}: the disk is full: shrinking it needs {2 * size / 1e6:.0f} MB for "
                    "a while: free some space"
                )
            ask("PRAGMA auto_vacuum=INCREMENTAL")
            ask("VACUUM")
        # The file itself shrinks when its log is taken in; a reader may keep that for later.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return max(0, before - database.stat().st_size)
