"""Errors of SQLite in a line: what happened, who holds the database, which backup there is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from engine.clock import shown_time
from engine.store.backups import backups
from engine.store.busy_wait import StoreError, describe_holders


@contextlib.contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with a database, and what to do, in a line.

    Raises:
        StoreError: for any error of SQLite, SQLAlchemy or the file system in the block.
    """
    try:
        yield
    except (DatabaseError, sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {advice(error, path)}") from error


def advice(error: BaseException, path: Path) -> str:
    """What an error of SQLite means, and what to do, in a line.

    Args:
        path: the database, in its workspace.
    """
    told = error.strerror if isinstance(error, OSError) else None
    reason = told or str(getattr(error, "orig", None) or error)
    if "full" in reason or "No space" in reason:
        return "the disk is full: free some space and try again"
    if "readonly" in reason or "unable to open" in reason or "Permission" in reason:
        return f"cannot be written ({reason}): check its owner and permissions"
    if "locked" in reason:
        return f"busy for too long, {describe_holders(path)}"
    if "malformed" in reason or "not a database" in reason:
        return f"damaged ({reason}): {recovery_advice(path)}"
    return reason


def recovery_advice(path: Path) -> str:
    """What to do about a database that is damaged or gone, with the newest backup."""
    known = backups(path.parent)
    if known:
        newest = known[0]
        return (
            f"the newest backup is of {shown_time(newest.made)} ({newest.folder}): "
            "espdeck db check says more, espdeck db restore brings it back"
        )
    return (
        "there is no backup: espdeck db check says more, espdeck db restore saves what can be "
        f"read; to start over, move {path.parent} away"
    )
