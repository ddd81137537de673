"""A workspace's databases as a front end looks after them: check, back up, restore.

None of it needs an open engine: what is damaged cannot be opened.
"""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.store import backing_up, backups, checking, restoring
from engine.store.backups import STORE, Backup
from engine.store.checking import Fault
from engine.store.restoring import Restored
from engine.store.sqlite_errors import explained


def check(workspace: Path) -> tuple[Fault, ...]:
    """Look through a workspace; changes nothing. See :func:`engine.store.checking.check`.

    Raises:
        StoreError: its folder cannot be read.
    """
    with explained(workspace / STORE):
        return checking.check(workspace)


def back_up(workspace: Path, *, cancel: CancelToken | None = None) -> Backup:
    """Back a workspace's databases up. See :func:`engine.store.backing_up.make`.

    Raises:
        StoreError: there is nothing to back up, no room, or a database is damaged.
    """
    return backing_up.make(workspace, cancel=cancel)


def restore(workspace: Path, chosen: Path | None = None, *, recover: bool = False) -> Restored:
    """Bring a backup back. See :func:`engine.store.restoring.restore`.

    Raises:
        StoreError: the workspace is in use, there is nothing to restore from, or no room.
    """
    return restoring.restore(workspace, chosen, recover=recover)


def known_backups(workspace: Path) -> tuple[Backup, ...]:
    """Backups that are there, newest first."""
    return backups.backups(workspace)
